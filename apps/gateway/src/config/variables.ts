const UNSEEN =
  'a plan has variables where the config in force has them too, and for secrets; write the value out, or reload'

/**
 * A value with the environment's in the place of its `${NAME}` and `${NAME:-default}`; `onFault` is told of those that are not
 * set or may not be read, and of a `${` that begins none.
 */
export function withVariables(
  text: string,
  env: NodeJS.ProcessEnv,
  mayRead: (name: string, value: string) => boolean,
  onFault: (message: string) => void,
): string | number | boolean {
  const all = text.replaceAll(/\$\{([^}]*)\}?/g, (whole, inside: string) => {
    const [, name, fallback] = /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(whole.endsWith('}') ? inside : '') ?? []
    if (name === undefined || fallback?.includes('${')) {
      onFault('has a "${" that begins no variable; write it as ${NAME} or ${NAME:-value}')
      return ''
    }
    const value = env[name] || fallback
    if (value === undefined)
      onFault(`the environment has no ${name}; set it, or give a default as \${${name}:-value}`)
    else if (env[name] && !mayRead(name, value)) {
      onFault(`the environment's ${name} is not to be seen; ${UNSEEN}`)
      return ''
    }
    return value ?? ''
  })
  return /^\$\{[^}]*\}$/.test(text) ? typed(all) : all
}

/** What a variable that is a whole value means: numbers and truth values are what they would be in the file. */
function typed(text: string): string | number | boolean {
  if (/^-?\d+(\.\d+)?$/.test(text) && String(Number(text)) === text) return Number(text)
  return text === 'true' ? true : text === 'false' ? false : text
}
