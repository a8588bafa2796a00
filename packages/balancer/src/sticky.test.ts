import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { clientOf, poolOf, workers } from '../test/support/fakes.ts'
import type { Client } from './client.ts'
import { OptionError } from './errors.ts'
import { Sticky, type StickyOptions } from './sticky.ts'
import type { Worker } from './worker.ts'

const SECRET = 'a secret that is long enough, and more'
const OTHER = 'another secret that is long enough too'

const [worker, neighbour] = workers(2) as [Worker, Worker]
const list = [worker, neighbour]
const nobody = clientOf()

/** A client that sends back what it was given. */
function keeping(cookie: string | undefined, isSecure = false): Client {
  const [pair = ''] = (cookie ?? '').split(';')
  const [name = '', value = ''] = pair.split('=')
  return clientOf({ headers: { [name]: value }, isSecure })
}

function given(sticky: Sticky, to: Worker, client: Client = nobody): string {
  return sticky.cookieFor(client, to) ?? assert.fail('no cookie')
}

function valueOf(cookie: string): string {
  return /^[^=]+=([^;]*)/.exec(cookie)?.[1] ?? assert.fail(cookie)
}

function attributesOf(options: Omit<StickyOptions, 'secret'>, client: Client = nobody): string[] {
  return given(new Sticky({ secret: SECRET, ...options }), worker, client)
    .split('; ')
    .slice(1)
}

suite('the cookie of a session', () => {
  const sticky = new Sticky({ secret: SECRET })

  test('brings its client back to the worker that it was given for', () => {
    for (const one of list) assert.equal(sticky.workerOf(keeping(given(sticky, one)), list), one)
  })

  test('says nothing of the worker, and is an HMAC in full', () => {
    const value = valueOf(given(sticky, worker))
    assert.match(value, /^[\w-]{43}$/)
    for (const encoding of ['base64url', 'hex', 'latin1'] as const)
      for (const said of [worker.id, worker.hostname, String(worker.port)]) {
        assert.ok(!value.includes(Buffer.from(said).toString(encoding)), said)
        assert.ok(!Buffer.from(value, 'base64url').toString(encoding).includes(said), said)
      }
  })

  test('is the same of every balancer that has the secret, and of no other', () => {
    const [same] = workers(1) as [Worker]
    assert.equal(given(new Sticky({ secret: SECRET }), same), given(sticky, worker))
    assert.notEqual(valueOf(given(new Sticky({ secret: OTHER }), worker)), valueOf(given(sticky, worker)))
  })

  test('is another for each worker', () => {
    const values = new Set(workers(50).map((one) => valueOf(given(sticky, one))))
    assert.equal(values.size, 50)
  })

  test('is not given to who has it', () => {
    const client = keeping(given(sticky, worker))
    assert.equal(sticky.cookieFor(client, worker), undefined)
  })

  test('is replaced when the session is with another worker from now on', () => {
    const client = keeping(given(sticky, worker))
    assert.equal(sticky.cookieFor(client, neighbour), given(sticky, neighbour))
  })

  test('names nobody once its worker has left, and the worker again when it is back', () => {
    const client = keeping(given(sticky, worker))
    assert.equal(sticky.workerOf(client, [neighbour]), undefined)
    assert.equal(sticky.workerOf(client, [neighbour, worker]), worker)
  })

  test('is of nobody when there is none, or an empty, a forged or a damaged one', () => {
    const value = valueOf(given(sticky, worker))
    const foreign = given(new Sticky({ secret: OTHER }), worker)
    assert.equal(sticky.workerOf(nobody, list), undefined)
    assert.equal(sticky.workerOf(keeping(foreign), list), undefined)
    for (const sent of [
      '',
      worker.id,
      value.slice(1),
      `${value}=`,
      `${value} `,
      value.toLowerCase(),
      '__proto__',
    ])
      assert.equal(sticky.workerOf(clientOf({ headers: { rondo: sent } }), list), undefined, sent)
  })

  test('is of nobody, whatever else it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (sent) => {
        const client = clientOf({ headers: { rondo: sent } })
        assert.equal(sticky.workerOf(client, list), undefined)
        assert.equal(sticky.cookieFor(client, worker), given(sticky, worker))
      }),
    )
  })
})

suite('with several secrets', () => {
  const old = new Sticky({ secret: OTHER })
  const rotated = new Sticky({ secret: [SECRET, OTHER] })

  test('the first signs', () => {
    assert.equal(given(rotated, worker), given(new Sticky({ secret: [SECRET] }), worker))
  })

  test('cookies by the others are believed, and replaced by one of the first', () => {
    const client = keeping(given(old, neighbour))
    assert.equal(rotated.workerOf(client, list), neighbour)
    const fresh = given(rotated, neighbour, client)
    assert.notEqual(valueOf(fresh), client.cookie('rondo'))
    assert.equal(rotated.cookieFor(keeping(fresh), neighbour), undefined)
  })

  test('what is done to the list afterwards changes nothing', () => {
    const secret = [SECRET]
    const sticky = new Sticky({ secret })
    secret[0] = OTHER
    assert.equal(given(sticky, worker), given(new Sticky({ secret: SECRET }), worker))
  })
})

suite('the attributes of the cookie', () => {
  test('are those of a session that no script reads and no other site sends, if nothing is said', () => {
    assert.deepEqual(attributesOf({}), ['Path=/', 'HttpOnly', 'SameSite=Lax'])
  })

  test('have the path and the age that are asked for', () => {
    assert.deepEqual(attributesOf({ path: '/shop', maxAge: 3600 }), [
      'Path=/shop',
      'Max-Age=3600',
      'HttpOnly',
      'SameSite=Lax',
    ])
  })

  test('have Secure for a client that speaks TLS, and for no other', () => {
    assert.ok(attributesOf({}, clientOf({ isSecure: true })).includes('Secure'))
    assert.ok(!attributesOf({}, clientOf({ isSecure: false })).includes('Secure'))
  })

  test('come with the name that is asked for', () => {
    const sticky = new Sticky({ secret: SECRET, name: 'shop-session' })
    const cookie = given(sticky, worker)
    assert.match(cookie, /^shop-session=/)
    assert.equal(sticky.workerOf(keeping(cookie), list), worker)
    assert.equal(sticky.workerOf(keeping(cookie.replace('shop-session', 'rondo')), list), undefined)
  })
})

suite('sticky refuses, naming the option and the mend,', () => {
  for (const [what, options, expected] of [
    ['no secret', {}, /^sticky\.secret: .*undefined.* is no secret; give one of at least 32 bytes/],
    ['a list of none', { secret: [] }, /^sticky\.secret: .* is no secret; give one/],
    ['an empty name', { secret: SECRET, name: '' }, /^sticky\.name: "" is no name of a cookie/],
    ['a name with "="', { secret: SECRET, name: 'a=b' }, /^sticky\.name: "a=b" is no name/],
    ['a name with a line', { secret: SECRET, name: 'a\r\n' }, /^sticky\.name: "a\\r\\n" is no name/],
    ['a path that does not begin', { secret: SECRET, path: 'a' }, /^sticky\.path: "a" is no path/],
    ['a path with an attribute', { secret: SECRET, path: '/; a' }, /^sticky\.path: "\/; a" is no path/],
    ['a path with a line', { secret: SECRET, path: '/\n' }, /^sticky\.path: "\/\\n" is no path/],
    ['an age of nothing', { secret: SECRET, maxAge: 0 }, /^sticky\.maxAge: 0 is no age; give whole seconds/],
    ['half a second', { secret: SECRET, maxAge: 0.5 }, /^sticky\.maxAge: 0\.5 is no age/],
    ['an age in words', { secret: SECRET, maxAge: '1' }, /^sticky\.maxAge: "1" is no age/],
  ] as const)
    test(what, () => {
      assert.throws(() => new Sticky(options as unknown as StickyOptions), {
        name: 'OptionError',
        message: expected,
      })
    })

  for (const [what, secret] of [
    ['a short one', 'hunter2'],
    ['one of 31 bytes', `hunter2${'x'.repeat(24)}`],
    ['a short one behind a good one', [SECRET, 'hunter2']],
    ['bytes', Buffer.from('hunter2')],
    ['bytes in a list', [Buffer.from('hunter2')]],
    ['an object', { key: 'hunter2' }],
    ['a list in a list', [['hunter2']]],
  ] as const)
    test(`${what}, and never shows the secret`, (t) => {
      assert.throws(
        () => poolOf(t, 1, { sticky: { secret } as unknown as StickyOptions }),
        (error) => {
          assert.ok(error instanceof OptionError)
          assert.match(error.message, /^sticky\.secret: .*at least 32 bytes/)
          assert.doesNotMatch(error.message, /hunter2|68 75 6e|a secret that/)
          return true
        },
      )
    })

  test('no secret of 32 bytes, counted in UTF-8', () => {
    void new Sticky({ secret: 'é'.repeat(16) })
  })
})
