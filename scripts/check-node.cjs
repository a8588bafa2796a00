// Runs before everything else, on whatever Node is there: one line instead of a syntax error from an old one.
// The pinned Node comes with `pnpm install` where the registry has its binary; elsewhere the installed one serves.
'use strict'
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `rondo: Node ${process.versions.node} is too old to run TypeScript; install Node 24 (22.19 or later will do) from https://nodejs.org`,
  )
  process.exit(1)
}
