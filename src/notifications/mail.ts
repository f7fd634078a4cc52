import { limits } from '../model/limits.ts'
import type { Message } from './message.ts'

/** Sends a message to one address; rejects with the server's reason when it is not taken. */
export type SendMail = (to: string, message: Message) => Promise<void>

/** Loaded with the first mail: most servers send none. */
export function mailBySmtp({ url, from }: { url: string; from: string }): SendMail {
  const milliseconds = limits.notificationSecondsMax * 1000
  return async (to, { subject, text }) => {
    const { createTransport } = await import('nodemailer')
    const transport = createTransport(url, { from })
    transport.options = {
      ...transport.options,
      connectionTimeout: milliseconds,
      greetingTimeout: milliseconds,
      socketTimeout: milliseconds,
    }
    await transport.sendMail({ to: { name: '', address: to }, subject, text })
  }
}
