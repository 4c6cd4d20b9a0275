"use strict";
const { parse } = require("acorn");

const sdk = "@streamzero/fx";

/**
 * A module whose own lines run at each call of its default export, with what `@streamzero/fx` gives that run; what it imports is
 * loaded once. Imports go to the end and stay what they are, names that others may change included. All lines stay where they
 * were, and their columns nearly always, so that stack traces are right. Throws what acorn throws of what it cannot read.
 */
function rewriteModule(source) {
  const { body } = parse(source, { ecmaVersion: "latest", sourceType: "module", allowHashBang: true });
  const given = unused(source, "$fx");
  const edits = [];
  const imports = [];
  let start = "";
  const move = (node, text) => {
    imports.push(text);
    edits.push({ ...rangeOf(node), text: "" });
  };
  for (const node of body) {
    switch (node.type) {
      case "ImportDeclaration":
        move(node, source.slice(node.start, node.end));
        if (node.source.value === sdk) start += namesOf(node, given);
        break;
      case "ExportAllDeclaration":
        move(node, `import ${source.slice(node.source.start, node.end)}`);
        break;
      case "ExportNamedDeclaration":
        if (node.source) move(node, `import ${source.slice(node.source.start, node.end)}`);
        else edits.push({ start: node.start, end: node.declaration?.start ?? node.end, text: "" });
        break;
      case "ExportDefaultDeclaration":
        edits.push(...withoutExport(node));
        break;
    }
  }
  const opening = `export default[async ${given}=>{${start}`;
  const first = edits[0]?.start === body[0]?.start && body[0]?.type === "ImportDeclaration" ? edits.shift() : undefined;
  const begin = first ?? { start: source.startsWith("#!") ? (body[0]?.start ?? source.length) : 0 };
  edits.unshift({ start: begin.start, end: begin.end ?? begin.start, text: opening });
  return `${apply(source, edits)}\n}][0];\n${imports.map((text) => `${text};`).join("\n")}\nimport.meta.main=true;`;
}

const rangeOf = ({ start, end }) => ({ start, end });

/** `const { a: b } = ...` for an import of the SDK; the import itself stays too, and tells of names that are not there. */
function namesOf({ specifiers }, given) {
  const names = [];
  let whole = "";
  for (const { type, imported, local } of specifiers) {
    if (type === "ImportNamespaceSpecifier") whole = `const ${local.name}=${given};`;
    else names.push(`${JSON.stringify(imported ? (imported.name ?? imported.value) : "default")}:${local.name}`);
  }
  return names.length > 0 ? `${whole}const{${names}}=${given};` : whole;
}

function withoutExport({ start, end, declaration }) {
  const isNamed = /^(Function|Class)Declaration$/.test(declaration.type) && declaration.id;
  if (isNamed) return [{ start, end: declaration.start, text: "" }];
  return [
    { start, end: declaration.start, text: ";0," },
    { start: end, end, text: ";" },
  ];
}

/** Puts each text in its place, which keeps its length if it can and its line breaks always. */
function apply(source, edits) {
  let result = "";
  let done = 0;
  for (const { start, end, text } of edits) {
    const rest = source.slice(start, end).replace(/[^\r\n\u2028\u2029]/g, " ");
    const firstLine = /^ */.exec(rest)[0].length;
    result += source.slice(done, start) + text.padEnd(firstLine) + rest.slice(firstLine);
    done = end;
  }
  return result + source.slice(done);
}

function unused(source, name) {
  return source.includes(name) ? unused(source, `${name}_`) : name;
}

module.exports = { rewriteModule };
