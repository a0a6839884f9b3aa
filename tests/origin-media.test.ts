// Answers: whether the little site in `media/` is whole: nothing missing, nothing from elsewhere.
// Owns: the claims about the files of `media/` as the origin serves them.
// Leaves out: how they look.
import { expect, test } from "bun:test";
import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { originApp } from "../lib/origin-app.ts";

const root = realpathSync(join(import.meta.dir, "../media"));
const app = originApp({ root, maxAge: "auto", log: undefined });
const files = readdirSync(root).sort();

test("the seed's two pages and three pictures are there", () => {
  expect(files).toEqual(
    expect.arrayContaining([
      "fetch-from-cache.svg",
      "fetch-through.svg",
      "index.html",
      "ipsum.html",
      "timeline.svg",
    ]),
  );
});

test.each(files.filter((name) => name.endsWith(".html")))(
  "every link of %s leads to a file",
  async (page) => {
    const html = await (await app.request(`http://h/${page}`)).text();
    const links = [...html.matchAll(/\b(?:href|src)="([^"]*)"/g)].map((match) => match[1]!);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) {
      const response = await app.request(new URL(link, `http://h/${page}`).href);
      expect([link, response.status]).toEqual([link, 200]);
    }
  },
);

test.each(files)("%s needs nothing from elsewhere", async (name) => {
  const text = await (await app.request(`http://h/${name}`)).text();
  const addresses = text.match(/\bhttps?:[^"'\s)]*|@import|url\((?!#)/g) ?? [];
  expect(addresses.filter((address) => address !== "http://www.w3.org/2000/svg")).toEqual([]);
});

test.each(["fetch-through.svg", "fetch-from-cache.svg", "timeline.svg"])(
  "%s can be read aloud, and in light and dark",
  async (name) => {
    const svg = await (await app.request(`http://h/${name}`)).text();
    expect(svg).toMatch(/<title id="title">[^<]{10,}<\/title>/);
    expect(svg).toMatch(/<desc id="desc">[^<]{40,}<\/desc>/);
    expect(svg).toContain('aria-labelledby="title desc"');
    expect(svg).toContain("@media (prefers-color-scheme: dark)");
  },
);
