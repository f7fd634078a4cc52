import { arePrivateSourcesAllowed } from '../config/loopback-defaults.ts'
import type { SiteAddresses } from '../model/site-address.ts'
import { mailBySmtp } from '../notifications/mail.ts'
import { createNotificationSender, type NotificationSender } from '../notifications/sender.ts'
import type { State } from './state.ts'

/** What tells others how jobs have ended. */
export function createSender(
  parts: Pick<State, 'config' | 'database' | 'secrets' | 'log'> & { sites: SiteAddresses; sitesUrl: string },
): NotificationSender {
  const { config, sites, sitesUrl, ...state } = parts
  const { smtpUrl, mailFrom = `preamp@${new URL(sitesUrl).hostname}` } = config
  return createNotificationSender({
    ...state,
    sendMail: smtpUrl === undefined ? undefined : mailBySmtp({ url: smtpUrl, from: mailFrom }),
    privateAllowed: arePrivateSourcesAllowed(config),
    siteUrl: (appId, displayName) => sites.siteUrl(appId, displayName),
    now: Date.now,
  })
}
