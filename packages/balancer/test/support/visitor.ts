/** A client that keeps its session's cookie, as a browser does. */
export interface Visitor {
  /** Who answered. */
  visit(path?: string): Promise<string>
  /** The `Set-Cookie` headers of the last answer. */
  readonly set: readonly string[]
  /** The cookie that it sends; may be given. */
  cookie: string | undefined
}

export function visitor(url: string, cookie?: string): Visitor {
  let set: readonly string[] = []
  const self: Visitor = {
    cookie,
    get set() {
      return set
    },
    async visit(path = '/') {
      const headers = self.cookie === undefined ? {} : { cookie: self.cookie }
      const answer = await fetch(`${url}${path}`, { headers })
      set = answer.headers.getSetCookie()
      const own = set.find((value) => value.startsWith('rondo='))
      if (own !== undefined) self.cookie = own.slice(0, own.indexOf(';'))
      const body = await answer.text()
      if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${body}`)
      return body
    },
  }
  return self
}
