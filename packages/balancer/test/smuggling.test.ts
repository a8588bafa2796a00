import { describe } from 'node:test'
import { smuggling } from './contract/smuggling.ts'
import { splitting } from './contract/splitting.ts'
import { forwarders } from './support/forwarders.ts'

for (const [name, { create }] of Object.entries(forwarders)) {
  describe(`smuggling through ${name}`, () => smuggling(create))
  describe(`splitting through ${name}`, () => splitting(create))
}
