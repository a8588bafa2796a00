import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ScenarioResult } from '../result.ts'
import { chart } from './chart.ts'
import { markdown } from './markdown.ts'

/** The scenarios that the chart shows. */
const DRAWN = ['small', '10k', '1m']

/**
 * Writes `<name>.json`, `<name>.md` and the chart into `folder`. Scenarios that are there from an earlier run and
 * not among `results` stay. `order` is that of the page. Resolves with the paths written.
 */
export async function keep(
  folder: string,
  name: string,
  results: readonly ScenarioResult[],
  order: readonly string[],
): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const data = join(folder, `${name}.json`)
  const fresh = new Set(results.map((result) => result.name))
  const all = [...(await earlier(data)).filter((result) => !fresh.has(result.name)), ...results].toSorted(
    (a, b) => order.indexOf(a.name) - order.indexOf(b.name),
  )
  const files = {
    [data]: `${JSON.stringify({ scenarios: all }, null, 2)}\n`,
    [join(folder, `${name}.md`)]: markdown(all),
    [join(folder, name === 'latest' ? 'chart.svg' : `${name}.svg`)]: chart(
      all.filter((result) => DRAWN.includes(result.name)),
    ),
  }
  for (const [file, content] of Object.entries(files)) await writeFile(file, content)
  return Object.keys(files)
}

async function earlier(file: string): Promise<ScenarioResult[]> {
  try {
    const { scenarios } = JSON.parse(await readFile(file, 'utf8')) as { scenarios: ScenarioResult[] }
    return scenarios
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
