// Preloaded into every process of the cluster. dev.ts holds the other end of its stdin, so that it learns of the end
// of dev.ts however sudden (SIGKILL leaves no time for goodbyes), and ends too.
process.stdin.on('close', () => {
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 2000).unref()
})
process.stdin.on('error', () => {}) // `close` follows
process.stdin.resume().unref()
