// Owns finding what modules import and is installed nowhere but in the shared installation.
//
// Not here: what `require` asks for (loader.js). The one idea: Node looks first, as it always does;
// only a package that it does not find is looked for once more, as if the shared folder imported it.

let parentURL = ''

/** Takes the address of the folder that the shared installation lies in. */
export function initialize ({ shared }) {
  parentURL = shared
}

export async function resolve (specifier, context, next) {
  try {
    return await next(specifier, context)
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !/^(?:@[\w.-]+\/)?[\w.-]+(?:\/|$)/.test(specifier)) throw error
    try {
      return await next(specifier, { ...context, parentURL })
    } catch {
      throw error
    }
  }
}
