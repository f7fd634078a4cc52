import { SMTPServer } from 'smtp-server'

export interface MailServer {
  port: number
  /** Whole messages, as they arrived. */
  mails: { to: string[]; text: string }[]
  stop(): Promise<void>
}

/** A mail server on a free port of this machine that wants this user and password, and keeps what it gets. */
export async function startMailServer(user: string, password: string): Promise<MailServer> {
  const mails: MailServer['mails'] = []
  const server = new SMTPServer({
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth: (auth, _session, callback) =>
      auth.username === user && auth.password === password
        ? callback(null, { user })
        : callback(new Error('wrong password')),
    onData(stream, { envelope }, callback) {
      void new Response(stream as unknown as ReadableStream).text().then((text) => {
        mails.push({ to: envelope.rcptTo.map(({ address }) => address), text })
        callback()
      })
    },
  })
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', listening))
  const { port } = server.server.address() as { port: number }
  return { port, mails, stop: () => new Promise<void>((stopped) => server.close(() => stopped())) }
}
