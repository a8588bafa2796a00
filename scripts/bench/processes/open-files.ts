import { readFileSync } from 'node:fs'

/** Files that a process has open beside the connections that it carries. */
const OTHERS = 100
/** Where the machine does not tell. */
const CAUTIOUS = 1024

/** How many connections a proxy may carry at a time, with two files each, where `ulimit -Hn` is the bound; at most 12,000. */
export function mostConnections(): number {
  return Math.min(12_000, Math.floor((openFiles() - OTHERS) / 2))
}

/** The hard limit of open files, which Node makes its own and hands down. */
function openFiles(): number {
  try {
    const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return hard === 'unlimited' ? Infinity : Number(hard ?? CAUTIOUS)
  } catch {
    return CAUTIOUS
  }
}
