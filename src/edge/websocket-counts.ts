import { limits } from '../model/limits.ts'
import { Tally } from './tally.ts'

/** The WebSockets of an edge: how many there are, and what is on its way through them. */
export class WebSocketCounts {
  readonly #ofAddress = new Tally()
  readonly #ofApp = new Map<string, Share>()

  /** @returns whose bound is met, instead of a place */
  take(address: string, appId: string): WebSocketPlace | 'address' | 'app' {
    if (this.#ofAddress.of(address) >= limits.webSocketsOfAddressMax) return 'address'
    const share = this.#ofApp.get(appId) ?? { count: 0, bytes: 0 }
    if (share.count >= limits.webSocketsOfAppMax) return 'app'
    this.#ofAddress.change(address, 1)
    share.count += 1
    this.#ofApp.set(appId, share)
    return new WebSocketPlace(share, () => {
      this.#ofAddress.change(address, -1)
      share.count -= 1
      if (share.count === 0) this.#ofApp.delete(appId)
    })
  }
}

/** What the WebSockets of one app take together. */
interface Share {
  count: number
  bytes: number
}

/** That of one WebSocket. */
export class WebSocketPlace {
  readonly #share: Share
  readonly #free: () => void
  #bytes = 0
  #isFree = false

  constructor(share: Share, free: () => void) {
    this.#share = share
    this.#free = free
  }

  /** @returns whether there is room for what it holds now */
  hold(bytes: number): boolean {
    if (this.#isFree) return true
    const isMore = bytes > this.#bytes
    this.#share.bytes += bytes - this.#bytes
    this.#bytes = bytes
    return !isMore || this.#share.bytes <= limits.webSocketBytesOfAppMax
  }

  free(): void {
    this.hold(0)
    if (!this.#isFree) this.#free()
    this.#isFree = true
  }
}
