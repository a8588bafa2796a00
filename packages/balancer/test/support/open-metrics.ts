import assert from 'node:assert/strict'

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const NUMBER = String.raw`[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?Inf|NaN`
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`
const SAMPLE = new RegExp(
  String.raw`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:${LABEL})(?:,${LABEL})*)?\})? (${NUMBER})$`,
)

/** Suffixes that the samples of a family may have, by its type (OpenMetrics 1.0, "Metric Types"). */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum', '_created'],
}

/** One sample of the plain text format 0.0.4; throws for a line that is none. */
export function readSample(line: string): Sample {
  const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
  assert.ok(name !== undefined && value !== undefined, `not a sample: ${line}`)
  const pairs = Array.from(labels.matchAll(/([^=,]+)="((?:[^"\\]|\\.)*)"/g), ([, key = '', text = '']) => {
    return [key, text.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))] as const
  })
  return { name, labels: Object.fromEntries(pairs), value: Number(value.replace('Inf', 'Infinity')) }
}

/** All samples of an exposition in OpenMetrics 1.0; throws where it is not in that form. */
export function readOpenMetrics(text: string): Sample[] {
  assert.ok(text.endsWith('\n# EOF\n'), 'ends with # EOF')
  const samples: Sample[] = []
  const families = new Map<string, string>()
  let family = ''
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line) ?? []
    if (keyword !== undefined) {
      assert.match(name, NAME)
      if (keyword !== 'TYPE') continue
      assert.ok(!families.has(name), `${name} is in one piece`)
      assert.ok(rest in SUFFIXES, `${name} has the unknown type ${rest}`)
      families.set(name, rest)
      family = name
      continue
    }
    const sample = readSample(line)
    const allowed = (SUFFIXES[families.get(family) ?? ''] ?? []).map((suffix) => family + suffix)
    assert.ok(allowed.includes(sample.name), `${sample.name} is not a sample of ${family}`)
    samples.push(sample)
  }
  return samples
}

/** The value of the one sample that has this name and these labels. */
export function valueOf(samples: readonly Sample[], name: string, labels: Sample['labels'] = {}): number {
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )
  assert.equal(found.length, 1, `${found.length} samples of ${name} ${JSON.stringify(labels)}`)
  return (found[0] as Sample).value
}
