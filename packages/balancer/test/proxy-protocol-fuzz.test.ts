import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { decodeProxy } from '../src/tcp/proxy-protocol-decode.ts'
import { encodeProxy, LOCAL_V2, SIGNATURE_V2 } from '../src/tcp/proxy-protocol.ts'
import { dice } from './support/dice.ts'
import { accepting, all, dialed } from './support/proxied.ts'
import { nothingLeft, resources } from './support/resources.ts'
import { until } from './support/until.ts'

/** What headers are made of, and what is likely to be read in two ways. */
const TOKENS = [
  '\r\n|\r|\n|\0| |\t|\xff|PROXY |PROXY|UNKNOWN|TCP4|TCP6|TCP4 |0|00|1|65535|65536|-1|+1|0x1|1e3|. |:',
  '1.2.3.4|255.255.255.255|256.1.1.1|::|::1|::ffff:1.2.3.4|2001:db8::1|fe80::1%lo|1:2:3:4:5:6:7:8',
  '\r\n\r\n\0\r\nQUIT\n|\x20|\x21|\x11|\x22|\x31|\0\0|\0\x0c|\0\x24|\x0f\xf0|\x10\0|\xff\xff|\x03\0\x04|\x04\0\0',
].flatMap((row) => row.split('|'))

const ADDRESSES = ['1.2.3.4', '2001:db8::7', '::ffff:9.9.9.9', undefined]

type Dice = () => number

const upTo = (roll: Dice, end: number): number => Math.floor(roll() * end)

function pick<T>(roll: Dice, from: readonly T[]): T {
  return from[upTo(roll, from.length)] as T
}

function noise(roll: Dice, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => upTo(roll, 256)))
}

/** A header as it should be, often with addresses and TLVs. */
function good(roll: Dice): Buffer {
  const port = (): number => upTo(roll, 65_536)
  const source = { address: pick(roll, ADDRESSES), port: port() }
  const destination = { address: pick(roll, ADDRESSES), port: port() }
  const kind = upTo(roll, 5)
  if (kind < 2) return encodeProxy(kind === 0 ? 'v1' : 'v2', { source, destination })
  if (kind === 2) return LOCAL_V2
  const size = upTo(roll, roll() < 0.1 ? 5000 : 100)
  const block = noise(roll, [12, 36, 216, 0][upTo(roll, 4)] ?? 0)
  const tlv = Buffer.concat([Buffer.from([4, size >> 8, size & 0xff]), noise(roll, size)])
  const length = block.length + tlv.length
  const head = [0x21 - upTo(roll, 2), pick(roll, [0x11, 0x21, 0x31, 0x12, 0]), length >> 8, length & 0xff]
  return Buffer.concat([SIGNATURE_V2, Buffer.from(head), block, tlv])
}

/** The same with some changes: bytes flipped, taken away or put in. */
function hostile(roll: Dice): Buffer {
  let bytes = good(roll)
  for (let changes = upTo(roll, 4); changes > 0; changes--) {
    const at = upTo(roll, Math.min(bytes.length, 130) + 1)
    const token = roll() < 0.7 ? Buffer.from(pick(roll, TOKENS), 'latin1') : noise(roll, upTo(roll, 4))
    const end = at + pick(roll, [0, 0, 1, token.length])
    bytes = Buffer.concat([bytes.subarray(0, at), token, bytes.subarray(end)])
  }
  return bytes
}

suite('hostile bytes in place of a header', () => {
  test('never throw, and nothing is read beyond the header', () => {
    const counts = { partial: 0, malformed: 0, whole: 0 }
    for (let seed = 0; seed < 20_000; seed++) {
      const roll = dice(seed)
      const bytes = hostile(roll)
      const decoded = decodeProxy(bytes)
      const about = `seed ${seed}: ${JSON.stringify(bytes.toString('latin1'))}`
      const cut = upTo(roll, bytes.length)
      if (typeof decoded === 'string') {
        counts[decoded]++
        const more = decodeProxy(Buffer.concat([bytes, noise(roll, 50)]))
        if (decoded === 'malformed') assert.equal(more, 'malformed', about)
        else assert.equal(decodeProxy(bytes.subarray(0, cut)), 'partial', about)
        continue
      }
      counts.whole++
      const { length } = decoded
      assert.ok(length <= bytes.length && length <= (bytes[0] === 0x50 ? 107 : 4096), about)
      const header = bytes.subarray(0, length)
      assert.deepEqual(decodeProxy(header), decoded, about)
      assert.deepEqual(decodeProxy(Buffer.concat([header, noise(roll, 50)])), decoded, about)
      assert.equal(decodeProxy(header.subarray(0, upTo(roll, length))), 'partial', about)
    }
    for (const [kind, count] of Object.entries(counts)) assert.ok(count > 500, `${kind}: ${count}`)
  })

  test('never throw where they are but noise', () => {
    for (let seed = 0; seed < 5000; seed++) {
      const roll = dice(seed)
      const start = pick(roll, [Buffer.alloc(0), Buffer.from('PROXY '), SIGNATURE_V2])
      decodeProxy(Buffer.concat([start, noise(roll, upTo(roll, 300))]))
    }
  })

  test('get a server what is behind a header, to the byte, or the connection is closed', async (t) => {
    const before = resources()
    const server = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket))
    const { port, refused } = await accepting(t, server)
    let malformed = 0
    let whole = 0

    async function visit(seed: number): Promise<void> {
      const roll = dice(seed)
      const bytes = Buffer.concat([hostile(roll), noise(roll, upTo(roll, 2000))])
      const decoded = decodeProxy(bytes)
      const socket = await dialed(t, port)
      const answer = all(socket).catch(() => '')
      for (let at = 0; at < bytes.length && !socket.destroyed;) {
        const end = at + 1 + upTo(roll, roll() < 0.5 ? 4 : 1000)
        socket.write(bytes.subarray(at, end))
        if (roll() < 0.7) await turn()
        at = end
      }
      socket.end()
      const echo = await answer
      if (typeof decoded === 'string') {
        malformed++
        assert.equal(echo, '', `seed ${seed}`)
      } else {
        whole++
        assert.equal(echo, bytes.toString('latin1', decoded.length), `seed ${seed}`)
      }
      socket.destroy()
    }

    for (let seed = 0; seed < 600; seed += 20)
      await Promise.all(Array.from({ length: 20 }, (_, i) => visit(seed + i)))
    await until('all is closed', () => refused.length === malformed)
    assert.ok(malformed > 100 && whole > 100, `${malformed} and ${whole}`)
    assert.ok(refused.every((kind) => kind === 'proxy-malformed'))
    server.close()
    await nothingLeft(before)
  })
})
