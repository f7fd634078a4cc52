export interface StreamEvent {
  /** `message` where the stream gives none. */
  name: string
  /** The last that was given. */
  id: string | undefined
  data: string
}

/** Reads server-sent events, as far as servers of ours write them: lines end with a line feed, comments are passed over. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent, void> {
  const decoder = new TextDecoder()
  let rest = ''
  let id: string | undefined
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true })
    const blocks = rest.split('\n\n')
    rest = blocks.pop()!
    for (const block of blocks) {
      const fields = block.split('\n').map((line) => /^([a-z]*): ?(.*)$/s.exec(line) ?? [])
      const valuesOf = (name: string) =>
        fields.filter(([, field]) => field === name).map(([, , value]) => value!)
      id = valuesOf('id').at(-1) ?? id
      const data = valuesOf('data')
      if (data.length > 0) yield { name: valuesOf('event').at(-1) ?? 'message', id, data: data.join('\n') }
    }
  }
}
