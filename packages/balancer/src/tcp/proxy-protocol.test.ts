import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { encodeProxy, LOCAL_V2, type Endpoints } from './proxy-protocol.ts'

const ends = (source: string | undefined, destination: string | undefined): Endpoints => ({
  source: { address: source, port: source === undefined ? undefined : 56_324 },
  destination: { address: destination, port: destination === undefined ? undefined : 443 },
})

const v1 = (source?: string, destination?: string): string =>
  encodeProxy('v1', ends(source, destination)).toString('latin1')

const v2 = (source?: string, destination?: string): string =>
  encodeProxy('v2', ends(source, destination)).toString('hex')

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const PORTS = 'dc0401bb'

suite('a header of the PROXY protocol', () => {
  test('is, in version 1, the line of the specification', () => {
    assert.equal(v1('192.168.0.1', '192.168.0.11'), 'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n')
    assert.equal(v1('2001:db8::1', '::1'), 'PROXY TCP6 2001:db8::1 ::1 56324 443\r\n')
  })

  test('is, in version 2, 28 bytes for IPv4 and 52 for IPv6', () => {
    assert.equal(v2('192.168.0.1', '10.1.2.3'), `${SIGNATURE}2111000cc0a800010a010203${PORTS}`)
    const [one, other] = ['20010db8000000000000000000000001', '00000000000000000000000000000001']
    assert.equal(v2('2001:db8::1', '::1'), `${SIGNATURE}21210024${one}${other}${PORTS}`)
  })

  test('tells IPv4 that is mapped into IPv6, as dual-stack sockets have it, as IPv4', () => {
    assert.equal(v1('::ffff:1.2.3.4', '::ffff:5.6.7.8'), 'PROXY TCP4 1.2.3.4 5.6.7.8 56324 443\r\n')
    assert.equal(v2('::FFFF:1.2.3.4', '5.6.7.8'), `${SIGNATURE}2111000c0102030405060708${PORTS}`)
  })

  test('tells IPv4 as IPv6 where the other end is IPv6, in hexadecimal alone', () => {
    assert.equal(v1('1.2.3.4', '2001:db8::'), 'PROXY TCP6 ::ffff:102:304 2001:db8:: 56324 443\r\n')
    assert.equal(v1('fd00::1', '::ffff:1.2.3.4'), 'PROXY TCP6 fd00::1 ::ffff:102:304 56324 443\r\n')
    const [one, other] = ['00000000000000000000ffff01020304', '20010db8000000000000000000000000']
    assert.equal(v2('1.2.3.4', '2001:db8::'), `${SIGNATURE}21210024${one}${other}${PORTS}`)
  })

  test('leaves out the zone of an address', () => {
    assert.equal(v1('fe80::1%eth0', '::1'), 'PROXY TCP6 fe80::1 ::1 56324 443\r\n')
  })

  test('tells of no address where an end has none', () => {
    for (const [source, destination] of [[], ['1.2.3.4'], [undefined, '1.2.3.4'], ['/tmp/x', '/tmp/x']]) {
      assert.equal(v1(source, destination), 'PROXY UNKNOWN\r\n')
      assert.equal(v2(source, destination), LOCAL_V2.toString('hex'))
    }
    assert.equal(LOCAL_V2.toString('hex'), `${SIGNATURE}20000000`)
  })
})
