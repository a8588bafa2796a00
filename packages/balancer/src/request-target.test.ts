import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { authorityOf, isServerWide, isTarget, requestPath } from './request-target.ts'

suite('of a request target', () => {
  for (const [url, path, authority] of [
    ['/', '/', undefined],
    ['/a//b?c#d', '/a//b?c#d', undefined],
    ['//a.test/x', '//a.test/x', undefined],
    ['http://a.test/x?y', '/x?y', 'a.test'],
    ['HTTPS://me:pass@a.test:81?y', '/?y', 'a.test:81'],
    ['http://[::1]:80/x#y', '/x', '[::1]:80'],
    ['http://a.test', '/', 'a.test'],
  ] as const)
    test(`${url} the path is ${path} and the authority ${authority}`, () => {
      assert.equal(requestPath(url), path)
      assert.equal(authorityOf(url), authority)
      assert.equal(isTarget(url), true)
    })

  for (const url of ['*', 'x', 'ftp://a.test/', 'a.test:80', '?x', 'http:/a.test'])
    test(`${url} no worker can be asked for it`, () => assert.equal(isTarget(url), false))

  for (const [url, isWide] of [
    ['*', true],
    ['http://a.test', true],
    ['http://a.test/', false],
    ['http://a.test?x', false],
    ['/', false],
  ] as const)
    test(`${url} it is ${isWide ? '' : 'not '}about the whole server`, () =>
      assert.equal(isServerWide(url), isWide))
})
