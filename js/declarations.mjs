// Declarations for the package from those that tsc wrote: only what the entries reach, and a second
// set for CommonJS.

import { readFileSync } from "node:fs"
import { dirname, relative, resolve } from "node:path"

const RELATIVE_SPECIFIER = /(from |import\()"(\.[^"]*?)\.(?:ts|js)"/g
const SIDE_EFFECT = /^import "\.[^"]*";\n/gm
const EXPORT_LIST = /^export (?:type )?\{([^}]*)\} from "[^"]+";?$/gm
const COMMENT = /\/\*[^]*?\*\/|\/\/.*/g

/**
 * The declaration files that the entries reach, they first. Refuses one outside `folder`: what it
 * declares is not published.
 */
export function declarationTree(entries, folder) {
  const files = [...entries]
  for (const file of files) {
    if (relative(folder, file).startsWith("..")) {
      throw new Error(`a public type refers to ${file}, which is no part of the package`)
    }
    for (const [, , specifier] of readFileSync(file, "utf8").matchAll(RELATIVE_SPECIFIER)) {
      const reached = resolve(dirname(file), `${specifier}.d.ts`)
      if (!files.includes(reached)) files.push(reached)
    }
  }
  return files
}

/**
 * The text of a declaration file with its relative imports ending in `extension`: js for import, cjs
 * for require().
 */
export function withExtension(text, extension) {
  return text.replace(SIDE_EFFECT, "").replace(RELATIVE_SPECIFIER, `$1"$2.${extension}"`)
}

/** The names that an entry's declarations export. Entries hold lists of re-exports and nothing else. */
function exportedNames(text) {
  const names = [...text.replace(COMMENT, "").matchAll(EXPORT_LIST)].flatMap(([, list]) =>
    list.split(",").map((item) =>
      item
        .trim()
        .split(/ (?:as )?/)
        .at(-1),
    ),
  )
  const other = text.replace(COMMENT, "").replace(EXPORT_LIST, "").trim()
  if (other) throw new Error(`an entry may only hold lists of re-exports, not: ${other}`)
  return names.filter(Boolean)
}

/** The two files in dist for an entry whose declarations are at `path`, without its extension. */
export function entryDeclarations(text, path) {
  const names = exportedNames(text)
  const named = names.filter((name) => name !== "default")
  const all = `export * from "${path}`
  if (named.length === names.length) return { module: `${all}.js";\n`, commonJs: `${all}.cjs";\n` }
  return {
    module: `${all}.js";\nexport { default } from "${path}.js";\n`,
    // What require() gives is the default export, a function, with the named exports on it.
    commonJs: `import call, { ${named.join(", ")} } from "${path}.cjs";
declare function entry(...args: Parameters<typeof call>): ReturnType<typeof call>;
declare namespace entry {
  export { ${named.join(", ")} };
}
export = entry;
`,
  }
}
