import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { poolOf } from '../test/support/fakes.ts'
import { loadBalance, type LoadBalanceOptions } from './load-balance.ts'

suite('loadBalance refuses, naming the option, the value and the mend,', () => {
  for (const [options, message] of [
    [{ mountPath: 'x' }, 'mountPath: "x" is neither "strip" nor "keep"'],
    [{ mountPath: true }, 'mountPath: true is neither "strip" nor "keep"'],
    [{ forwarder: {} }, 'forwarder: {} is no forwarder; give httpProxy(), or one of your own'],
    [{ forwarder: null }, 'forwarder: null is no forwarder; give httpProxy(), or one of your own'],
    [
      { trustedProxies: '10.0.0.0/8' },
      'trustedProxies: "10.0.0.0/8" is no list of addresses; write it as ["10.0.0.0/8", "2001:db8::1"]',
    ],
    ...['10.0.0.0/33', '10.0.0', 'proxy.test', '', '10.0.0.0/8, 192.0.2.1', 8].map(
      (bad) =>
        [
          { trustedProxies: ['loopback', bad] },
          `trustedProxies[1]: ${JSON.stringify(bad)} is no address or network; write it as "10.0.0.0/8"`,
        ] as const,
    ),
    ...['', 'two words', 'a,b', 'a\r\nX: y', 7].map(
      (bad) =>
        [
          { via: bad },
          `via: ${JSON.stringify(bad)} is no pseudonym; give a word, or host:port, as "rondo"`,
        ] as const,
    ),
    [{ forwarded: 'yes' }, 'forwarded: "yes" is neither true nor false'],
    [{ host: 'target' }, 'host: "target" is neither "keep" nor "worker"'],
    [{ trace: 1 }, 'trace: 1 is neither true nor false'],
  ] as const)
    test(message, (t) => {
      const pool = poolOf(t, 1)
      assert.throws(() => loadBalance(pool, options as unknown as LoadBalanceOptions), {
        name: 'OptionError',
        message,
      })
    })
})
