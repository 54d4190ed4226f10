// What `import.meta.url` means in a bundle, which is CommonJS: the address of the bundle's own file.
export const importMetaUrl = /* @__PURE__ */ (() => require("node:url").pathToFileURL(__filename).href)();
