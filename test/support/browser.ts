import { type Browser, chromium, type Page } from 'playwright-core'

import { findProgram } from './programs.ts'

/** A page of a real Chromium, and what went wrong in it. */
export interface WatchedPage {
  page: Page
  /** Answers of 400 and more (`404 http://…`), requests that failed, errors of scripts and of the console, in order. */
  problems: string[]
  /** Addresses of the documents that were asked for over the network: a step inside of an app asks for none. */
  documents: string[]
  close(): Promise<void>
}

/** Ask `requires('chromium')` first. */
export async function openPage(): Promise<WatchedPage> {
  const browser = await launchChromium()
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  const problems: string[] = []
  const documents: string[] = []
  page.on('request', (request) => {
    if (request.isNavigationRequest()) documents.push(request.url())
  })
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`)
  })
  page.on('requestfailed', (request) => problems.push(`${request.failure()?.errorText} ${request.url()}`))
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    // Said of each answer of 400 and more, which is among the problems already.
    const isStatus = message.text().startsWith('Failed to load resource: the server responded with')
    if (message.type() === 'error' && !isStatus) problems.push(message.text())
  })
  return { page, problems, documents, close: () => browser.close() }
}

function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: findProgram('chromium')!, args: ['--no-sandbox'] })
}
