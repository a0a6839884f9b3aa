// Answers: whether names and contents that contradict each other are told apart from those that do not.
// Owns: the claims about `lib/rfc9111/deception.ts`.
// Leaves out: what follows for storing (`storing.test.ts`), the same over sockets (`attacks/deception.test.ts`).
import { describe, expect, test } from "bun:test";
import { contradictsName } from "../../lib/rfc9111/deception.ts";

const HTML = "text/html;charset=utf-8";

describe("a name that the content contradicts", () => {
  test.each([
    ["/account/x.css", HTML],
    ["/account/x.CSS", HTML],
    ["/account/x.css?a=b", HTML],
    ["/account/x.css?a=/b", HTML],
    ["/account%2fx.css", HTML],
    ["/account%2Fx.css", HTML],
    ["/account;x.js", HTML],
    ["/account/x.css;a=b", HTML],
    ["/account/x.css%00", HTML],
    ["/account/x.css%3fa", HTML],
    ["/account/x.css%23a", HTML],
    ["/account/x%2ecss", HTML],
    ["/account/x%2e%63ss", HTML],
    ["/account/x.css%0a", HTML],
    ["/account%5cx.css", HTML],
    ["/account/.css", HTML],
    ["/account/x.css", null],
    ["/account/x.css", "application/json"],
    ["/account/x.js", "application/json"],
    ["/account/x.zip", "application/json"],
    ["/account/x.png", "text/plain"],
    ["/account/x.woff2", HTML],
    ["/account/x.pdf", HTML],
    ["/account/x.mp4", HTML],
    ["/account/x.ico", ""],
    ["/%ff.css", HTML],
    ["/%.css", HTML],
  ])("%s with %s", (path, type) => {
    expect(contradictsName(`http://a${path}`, type)).toBe(true);
  });
});

describe("names and contents that fit, and names that say nothing", () => {
  test.each([
    ["/x.css", "text/css"],
    ["/x.css", "Text/CSS; charset=utf-8"],
    ["/x.js", "text/javascript"],
    ["/x.mjs", "application/javascript"],
    ["/x.js", "application/x-javascript"],
    ["/x.png", "image/webp"],
    ["/x.svg", "image/svg+xml"],
    ["/x.woff", "application/font-woff"],
    ["/x.woff2", "font/woff2"],
    ["/x.ogg", "application/ogg"],
    ["/x.css", "application/octet-stream"],
    ["/x.zip", "application/zip"],
    ["/account", HTML],
    ["/x.html", HTML],
    ["/x.css/account", HTML],
    ["/x.css/", HTML],
    ["/?x.css", HTML],
    ["/a?b=/x.css", HTML],
    ["/css", HTML],
    ["/x.css.html", HTML],
    ["/x.json", "application/json"],
    ["/", null],
  ])("%s with %s", (path, type) => {
    expect(contradictsName(`http://a.css${path}`, type)).toBe(false);
  });
});
