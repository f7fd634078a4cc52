import type { HeaderSet } from './header-rules.ts'

/** For static files: browsers ask again, shared caches keep them (contract/hosting-behaviour.md §6.2). */
const staticCacheControl = 'public, max-age=0, s-maxage=31536000'

/** Where another visitor may get another answer at the same address: shared caches rarely heed `Vary`. */
const personalCacheControl = 'private, max-age=0'

/** What is sent where the owner of the site says nothing else. */
export function defaultCacheControl({ vary, isPersonal }: Pick<HeaderSet, 'vary' | 'isPersonal'>): string {
  return vary === undefined && !isPersonal ? staticCacheControl : personalCacheControl
}

/**
 * The same for what a rule fetches, whose server does not know that others get something else at this address: what it allows
 * to the visitor's own cache stays.
 * @param value of `Cache-Control`; null for none
 */
export function personalOf(value: string | null): string {
  if (value === null || value.trim() === '') return personalCacheControl
  const directives = value.split(',').map((text) => text.trim())
  if (directives.some((directive) => nameOf(directive) === 'no-store')) return value
  const own = directives.filter((directive) => !forShared.has(nameOf(directive)) && directive !== '')
  return ['private', ...own].join(', ')
}

/** What is said to shared caches, and `private`, which may name single headers there. */
const forShared = new Set(['public', 'private', 's-maxage', 'proxy-revalidate'])

const nameOf = (directive: string) => directive.replace(/\s*=.*/s, '').toLowerCase()
