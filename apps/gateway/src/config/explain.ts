import leven from 'leven'
import { z } from 'zod'
import type { Fault, Path } from './fault.ts'
import { showValue } from './secrets.ts'
import { schema } from './schema.ts'
import { MOST_FAULTS, type Source } from './source.ts'

type Issue = z.core.$ZodIssue

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | false
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

const VARIABLE = {
  type: 'string',
  pattern: String.raw`\$\{.*\}`,
  description: 'A variable of the environment',
} as const

/** The schema as JSON Schema, for editors. Where not any text may stand, one that names a variable may. */
export const jsonSchema = z.toJSONSchema(
  schema.meta({
    title: 'The config file of the Rondo gateway',
    description:
      'Values may name variables of the environment: ${NAME}, or ${NAME:-default} for one that is not set or empty',
  }),
  {
    io: 'input',
    override: ({ jsonSchema: part, path }) => {
      const isAnyText = part.type === 'string' && !part.pattern && !part.enum
      const isScalar =
        part.enum ?? ['string', 'integer', 'number', 'boolean'].some((type) => type === part.type)
      if (isAnyText || !isScalar || path.at(-1) === 'propertyNames') return
      const own = { ...part }
      delete own.description
      for (const key of Object.keys(own)) delete part[key]
      part.anyOf = [own, VARIABLE]
    },
  },
)

/** What zod found, in our words: the value, what is wrong, the mend. `known` is the JSON Schema that tells the keys there are. */
export function explain(
  issue: Issue,
  source: Pick<Source, 'fault'>,
  above: Path = [],
  known: object = jsonSchema,
): Fault[] {
  const path = [...above, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))]
  if (issue.code === 'unrecognized_keys')
    return issue.keys
      .slice(0, MOST_FAULTS)
      .map((key) => source.fault(path, unknownKey(path, key, known), key))
  if (issue.code === 'invalid_key') {
    const key = String(path.at(-1))
    const wrong = issue.issues[0]?.message ?? ''
    return [source.fault(path.slice(0, -1), `${JSON.stringify(key)} ${wrong}`, key)]
  }
  if (issue.code === 'invalid_union') {
    const branch = closest(issue.errors)
    if (branch) return branch.flatMap((nested) => explain(nested, source, path, known))
  }
  const wrong = describe(issue, path, known)
  const [, mend] = /; (.*)$/s.exec(wrong) ?? []
  if (issue.input === undefined) return [source.fault(path, `is missing; ${mend}`)]
  if (issue.input === null) return [source.fault(path, `is empty; ${mend}`)]
  return [source.fault(path, `${showValue(path, issue.input)} ${wrong}`)]
}

/** The branch of a union that a value was meant for: the one of its own type. */
function closest(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches.find(
    (issues) =>
      !issues.some(
        ({ code, path }) => (code === 'invalid_type' || code === 'invalid_value') && path.length === 0,
      ),
  )
}

/** What is wrong with a value, and the mend: in the schema's own words where it has some. */
function describe(issue: Issue, path: Path, known: JsonSchema): string {
  if (!issue.message.startsWith('Invalid ')) return issue.message
  if (issue.code === 'invalid_value')
    return `is unknown; use ${either(issue.values.map((value) => JSON.stringify(value)))}`
  return `is no object; give one with ${either(keysAt(known, path))}`
}

function unknownKey(path: Path, key: string, schema: JsonSchema): string {
  const known = keysAt(schema, path).filter((name) => name !== '$schema')
  if (known.length === 0) return 'is unknown; leave it out'
  const [nearest] = known.toSorted((a, b) => leven(a, key) - leven(b, key))
  const isNear = nearest !== undefined && leven(nearest, key) <= Math.max(1, key.length / 2)
  return `is unknown; ${isNear ? `did you mean "${nearest}"?` : `use ${either(known)}`}`
}

/** The keys that an object at `path` may have. */
function keysAt(at: JsonSchema, path: Path): string[] {
  const [part, ...rest] = path
  if (at.anyOf) return at.anyOf.flatMap((branch) => keysAt(branch, path))
  if (part === undefined) return Object.keys(at.properties ?? {})
  const next = typeof part === 'number' ? at.items : (at.properties?.[part] ?? at.additionalProperties)
  return next ? keysAt(next, rest) : []
}

/** `a`, `a or b`, `a, b or c`. */
function either(names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), ...names.slice(-1)].filter((part) => part !== '').join(' or ')
}
