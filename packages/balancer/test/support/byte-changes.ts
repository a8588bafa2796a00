import * as fc from 'fast-check'

/** What is likely to be read in two ways, wherever it stands. */
const TOKENS = [
  '\r|\n|\r\n|\r\n\r\n|\r\n |\r\n\t|\0| |\t|\v|\x7f|\x85|\xa0|\xff',
  ':|;|,|"|\\|/|#|%|@|+|-|_|0|1|f|0x|00000000000000000',
  'chunked|identity|close|HTTP/1.1|HTTP/1.0|0\r\n\r\n|1\r\nx\r\n|99999999999999999999',
  'Content-Length: 3\r\n|Content-Length: 0\r\n|Content-Length : 3\r\n|Content-Length: +3\r\n',
  'Content-Length: 3, 3\r\n|Content_Length: 3\r\n|Content-Length:\r\n|Content-Length: 30\r\n',
  'Transfer-Encoding: chunked\r\n|Transfer-Encoding: gzip, chunked\r\n|Transfer-Encoding:\r\n',
  'Transfer-Encoding : chunked\r\n|Transfer-Encoding:\tchunked\r\n|Transfer_Encoding: chunked\r\n',
  'Transfer-Encoding:\x0bchunked\r\n|Transfer-Encoding: xchunked\r\n| Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n|Connection: content-length, transfer-encoding\r\n|Connection: host, via\r\n',
  'X-Any: \r\n|Trailer: x-sum\r\n|Keep-Alive: timeout=0\r\n|Upgrade: websocket\r\n|Upgrade: h2c\r\n',
].flatMap((row) => row.split('|'))

type Change = (bytes: string) => string
type Place = (bytes: string) => number

/** A place in bytes: one where something begins or ends as often as any. */
const place: fc.Arbitrary<Place> = fc.tuple(fc.boolean(), fc.nat()).map(([isEdge, n]) => (bytes) => {
  const edges = isEdge ? Array.from(bytes.matchAll(/\r\n|[ :;,]|\b/g), ({ index }) => index) : []
  return edges[n % edges.length] ?? n % (bytes.length + 1)
})

/** Puts `token` in the place of `length` bytes. */
function put(at: Place, length: number, token: string): Change {
  return (bytes) => bytes.slice(0, at(bytes)) + token + bytes.slice(at(bytes) + length)
}

/** Puts there again what is between two other places. */
function repeat(at: Place, one: Place, other: Place): Change {
  return (bytes) => {
    const [from = 0, to = 0] = [one(bytes), other(bytes)].toSorted((a, b) => a - b)
    return put(at, 0, bytes.slice(from, to))(bytes)
  }
}

function change(tokens: readonly string[]): fc.Arbitrary<Change> {
  const token = fc.constantFrom(...TOKENS, ...tokens)
  const byte = fc.nat(255).map((code) => String.fromCharCode(code))
  const few = fc.integer({ min: 1, max: 8 })
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(place, fc.constant(0), token).map((all) => put(...all)) },
    { weight: 2, arbitrary: fc.tuple(place, few, token).map((all) => put(...all)) },
    { weight: 2, arbitrary: fc.tuple(place, few, fc.constant('')).map((all) => put(...all)) },
    { weight: 1, arbitrary: fc.tuple(place, fc.constant(1), byte).map((all) => put(...all)) },
    { weight: 1, arbitrary: fc.tuple(place, place, place).map((all) => repeat(...all)) },
    {
      weight: 1,
      arbitrary: fc.tuple(place, fc.constant(Infinity), fc.constant('')).map((all) => put(...all)),
    },
  )
}

/**
 * One message to `max` of them, with changes or without, in the pieces that they are sent in. In each message `$` becomes
 * `$0`, `$1` and so on.
 */
export function changed(
  message: fc.Arbitrary<string>,
  max: number,
  tokens: readonly string[],
): fc.Arbitrary<string[]> {
  const changes = fc.oneof(fc.constant([]), fc.array(change(tokens), { minLength: 1, maxLength: 3 }))
  const cuts = fc.oneof(fc.constant([]), fc.array(place, { maxLength: 4 }))
  return fc
    .tuple(fc.array(message, { minLength: 1, maxLength: max }), changes, cuts)
    .map(([messages, changes, cuts]) => {
      const all = messages.map((one, i) => one.replaceAll('$', `$${i}`)).join('')
      const bytes = changes.reduce((bytes, change) => change(bytes), all)
      return inPieces(
        bytes,
        cuts.map((cut) => cut(bytes)),
      )
    })
}

function inPieces(bytes: string, cuts: readonly number[]): string[] {
  const ends = [...new Set([...cuts, bytes.length])].toSorted((a, b) => a - b)
  return ends.map((end, i) => bytes.slice(ends[i - 1], end))
}
