import { execFileSync } from 'node:child_process'
import { copyFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Authority, Certificate } from '../../../../packages/balancer/test/support/certificates.ts'
import type { Chance } from '../../../../scripts/soak/chance.ts'

/** What is wrong with a file of certificates or keys. */
const RUINS = ['', 'broken', '-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n']

/** Who workers are verified by. Others do not matter. */
export class AuthorityFile {
  readonly name = 'ca'
  readonly #path: string
  readonly #text: string

  constructor(path: string, text: string) {
    this.#path = path
    this.#text = text
  }

  ruin(chance: Chance): void {
    writeFileSync(this.#path, chance.one(RUINS))
  }

  /** With something about it that is of no account, which makes it another. */
  repair(chance: Chance): void {
    writeFileSync(this.#path, `${this.#text}\n# ${chance.next()}\n`)
  }
}

interface Issued extends Certificate {
  readonly serial: string
}

/** The certificate of one name, in files that a gateway goes by. */
export class Pair {
  readonly name: string
  readonly cert: string
  readonly key: string
  readonly #stock: readonly Issued[]
  /** What the files have, if that can be used. */
  #current: Issued

  /** So many certificates are made at once: it takes a while. */
  constructor(authority: Authority, folder: string, name: string, stock: number) {
    this.name = name
    this.cert = join(folder, `${name}.pem`)
    this.key = join(folder, `${name}.key`)
    this.#stock = Array.from({ length: stock }, () => {
      const one = authority.issue([name])
      const x509 = execFileSync('openssl', ['x509', '-noout', '-serial', '-in', one.certFile])
      return { ...one, serial: x509.toString().trim().replace('serial=', '') }
    })
    this.#current = this.#stock[0] as Issued
    this.putCert()
    this.putKey()
  }

  /** Of the certificate that is wanted. */
  get serial(): string {
    return this.#current.serial
  }

  /** Has another certificate be wanted. */
  choose(chance: Chance): void {
    this.#current = chance.one(this.#stock.filter((one) => one !== this.#current))
  }

  putCert(): void {
    put(this.#current.certFile, this.cert)
  }

  putKey(): void {
    put(this.#current.keyFile, this.key)
  }

  /** Something that is no certificate, or no key. */
  ruin(chance: Chance): void {
    const file = chance.one([this.cert, this.key])
    writeFileSync(file, chance.one(RUINS))
  }
}

/** Puts a copy in the place of a file in one step. */
export function put(from: string, to: string): void {
  copyFileSync(from, `${to}~`)
  renameSync(`${to}~`, to)
}
