import { lookup } from 'mime-types'

import { Remembered } from '../model/remembered.ts'

/** Text that is not `text/*` by name: sent with a charset and worth compressing. */
const textTypes = /^text\/|^application\/(javascript|json|xml)$|\+(json|xml)$/

/** Not text, but not packed either. */
const compressibleTypes = new Set([
  'application/wasm',
  'application/vnd.ms-fontobject',
  'font/ttf',
  'font/otf',
])

/** Whether browsers open it as a page. */
export function isPageType(contentType: string): boolean {
  return /^(?:text\/html|application\/xhtml\+xml)\b/i.test(contentType)
}

export interface ContentType {
  /** The header's value. */
  value: string
  compressible: boolean
}

/** @param path its extension decides; one that nobody knows is `application/octet-stream` */
export function contentTypeOf(path: string): ContentType {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  const extension = dot === -1 ? '' : name.slice(dot + 1)
  return known.get(extension) ?? known.set(extension, describe(extension))
}

/** By extensions: there are a few hundred, and others that anybody makes up. */
const known = new Remembered<ContentType>({ entriesMax: 1000, charactersMax: 20 })

function describe(extension: string): ContentType {
  const type = (extension !== '' && lookup(extension)) || 'application/octet-stream'
  const isText = textTypes.test(type)
  return {
    value: isText ? `${type}; charset=utf-8` : type,
    compressible: isText || compressibleTypes.has(type),
  }
}
