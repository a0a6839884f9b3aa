// Answers: where in a TypeScript file its code is, and which functions it has.
// Owns: a scanner for formatted code: strings, templates, comments and regular expressions are told from code.
// Leaves out: what is forbidden (`architecture.test.ts`). Bun 1.4.5 gives no syntax tree, so this is no parser.

/** A function, method, arrow function or function type: where it starts, how many lines and parameters it has. */
export interface FunctionSpan {
  readonly line: number;
  readonly lines: number;
  readonly parameters: number;
}

const PLAIN = String.raw`//.*|/\*[^]*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[\w$]+|\s+|[^]`;
const TOKEN = new RegExp(PLAIN, "y");
const TOKEN_OR_REGEX = new RegExp(
  String.raw`/(?![/*])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n[])+/[a-z]*|${PLAIN}`,
  "y",
);
/** A slash after one of these starts a regular expression; after anything else it divides. */
const BEFORE_REGEX = /^(?:[({[,;=:!&|?+\-*%<>~^]|return|typeof|case|in|of|else|do|await|throw|)$/;
/** A piece of a template: from its start, or from where code in it ends, to its end, or to where code in it starts. */
const TEMPLATE = /[`}](?:\\[^]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y;

/** The next position that holds something. */
const next = (text: string, at: number): number => at + text.slice(at).search(/\S|$/);
const blank = (text: string): string => text.replaceAll(/[^\n]/g, " ");

/** The same text with blanks for comments and for the inside of strings, templates and regular expressions. */
export function blanked(source: string): string {
  const open: ("{" | "${")[] = [];
  let [kept, before] = ["", ""];
  while (kept.length < source.length) {
    const start = source[kept.length];
    const isTemplate = start === "`" || (start === "}" && open.at(-1) === "${");
    const pattern = isTemplate ? TEMPLATE : BEFORE_REGEX.test(before) ? TOKEN_OR_REGEX : TOKEN;
    pattern.lastIndex = kept.length;
    const token = pattern.exec(source)?.[0] ?? source.slice(kept.length);
    if (start === "}") open.pop();
    if (token.endsWith("{") && (isTemplate || token === "{")) open.push(isTemplate ? "${" : "{");
    const isComment = /^\/[/*]/.test(token);
    const isText = isTemplate || (/^["'/]/.test(token) && token.length > 1);
    if (isComment) kept += blank(token);
    else kept += isText ? start + blank(token.slice(1, -1)) + token.at(-1) : token;
    if (!isComment && token.trim() !== "") before = token;
  }
  return kept;
}

/** Every parameter list that a body or an arrow follows. */
export function functionsIn(source: string): FunctionSpan[] {
  const text = blanked(source).replaceAll("=>", "=~");
  return [...text.matchAll(/\(/g)].flatMap(({ index: open }) => {
    if (/\b(?:if|for|while|switch|catch|await)\s*$/.test(text.slice(Math.max(0, open - 20), open))) return [];
    const close = closing(text, open);
    const colon = /^\s*:\s*(?!return\b|throw\b)/.exec(text.slice(close + 1, close + 20))?.[0].length;
    const at = colon === undefined ? next(text, close + 1) : afterType(text, close + 1 + colon);
    const isArrow = text.startsWith("=~", at);
    if (!isArrow && text[at] !== "{") return [];
    const end = closing(text, isArrow ? next(text, at + 2) : at);
    const [line, lastLine] = [open, end].map((position) => text.slice(0, position).split("\n").length);
    return [
      { line: line!, lines: lastLine! - line! + 1, parameters: parametersIn(text.slice(open + 1, close)) },
    ];
  });
}

/** The bracket that closes the one at `start`; the end of the expression that starts there, where none does. */
function closing(text: string, start: number, brackets = ["([{", ")]}"]): number {
  const isBracket = brackets[0]!.includes(text[start] ?? "");
  for (let at = start, depth = 0; at < text.length; at++) {
    if (brackets[0]!.includes(text[at]!)) depth++;
    else if (brackets[1]!.includes(text[at]!) && --depth <= 0) return isBracket ? at : at - 1;
    else if (!isBracket && depth === 0 && ",;".includes(text[at]!)) return at - 1;
  }
  return text.length;
}

/** What comes after a type; where a type is due, a brace opens an object type and no body. */
function afterType(text: string, start: number): number {
  let isDue = true;
  for (let at = next(text, start); at < text.length; at = next(text, at + 1)) {
    if (text[at] === "<") at = closing(text, at, ["([{<", ")]}>"]);
    else if ((isDue ? "([{" : "[").includes(text[at]!)) {
      const arrow = text[at] === "(" ? next(text, closing(text, at) + 1) : at;
      isDue = text.startsWith("=~", arrow);
      at = isDue ? arrow + 1 : closing(text, at);
    } else if (!/[\w$.|&"]/.test(text[at]!)) return at;
    else isDue = /[|&]/.test(text[at]!);
  }
  return text.length;
}

function parametersIn(list: string): number {
  let flat = list;
  for (let before = ""; before !== flat;) {
    before = flat;
    flat = flat.replaceAll(/\([^()]*\)|\[[^[\]]*\]|\{[^{}]*\}|<[^<>]*>/g, "_");
  }
  return flat.split(",").filter((parameter) => parameter.trim() !== "").length;
}
