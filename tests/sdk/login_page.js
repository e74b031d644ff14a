"use strict";
// Opens the login page in Chromium as people and attackers do, by the keyboard alone, and tells, as JSON, what it saw.
// Read from standard input: {url, back, elsewhere, chromium, username, password}.

const fs = require("fs");
const { chromium } = require("playwright-core");

const given = JSON.parse(fs.readFileSync(0, "utf8"));

async function typed(page, name, password) {
  // The first empty field has the focus already.
  if (name) {
    await page.keyboard.type(name);
    await page.keyboard.press("Tab");
  }
  await page.keyboard.type(password);
}

const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.value);

// A key that is pressed before the field has the focus goes nowhere.
async function opened(page) {
  await page.goto(given.url);
  await page.waitForFunction(() => document.activeElement.matches("input"));
}

async function signedIn(page) {
  await opened(page);
  const tree = await page.locator("body").ariaSnapshot();
  const facts = await page.evaluate(() => ({
    language: document.documentElement.lang,
    title: document.title,
    wide: document.documentElement.scrollWidth <= window.innerWidth,
    styled: getComputedStyle(document.querySelector("label")).display === "block",
  }));
  const labels = [await page.getByLabel("User name").getAttribute("autocomplete"), await page.getByLabel("Password").getAttribute("type")];
  const order = [await focused(page)];
  for (let step = 0; step < 3; step += 1) {
    await page.keyboard.press("Tab");
    order.push(await focused(page));
  }
  await opened(page);
  await typed(page, given.username, "not it");
  await page.keyboard.press("Enter");
  const alert = await page.getByRole("alert").innerText();
  await page.waitForFunction(() => document.activeElement.matches("input"));
  const again = { focus: await focused(page), name: await page.getByLabel("User name").inputValue(), told: await page.locator("#password").getAttribute("aria-describedby"), address: page.url(), title: await page.title() };
  await typed(page, "", given.password);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${given.back}**`);
  return { tree, facts, labels, order, alert, again, went: page.url() };
}

async function denied(page) {
  await opened(page);
  for (let step = 0; step < 3; step += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${given.back}**`);
  return page.url();
}

async function forged(page) {
  await page.goto(given.elsewhere);
  await page.locator("button").click();
  await page.getByRole("alert").waitFor();
  return { told: await page.getByRole("alert").innerText(), address: page.url() };
}

async function framed(page) {
  await page.goto(`${given.elsewhere}framed`);
  await page.waitForLoadState("networkidle");
  const frame = page.frames().find((each) => each !== page.mainFrame());
  return frame ? await frame.locator("form").count() : 0;
}

(async () => {
  const browser = await chromium.launch({ executablePath: given.chromium });
  const saw = {};
  for (const [name, does] of Object.entries({ signedIn, denied, forged, framed })) {
    const context = await browser.newContext({ viewport: { width: 320, height: 640 } });
    const page = await context.newPage();
    page.setDefaultTimeout(100_000);
    const complaints = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    saw[name] = await does(page);
    saw[`${name}Complaints`] = complaints;
    saw[`${name}Cookies`] = (await context.cookies()).length;
    await context.close();
  }
  await browser.close();
  process.stdout.write(JSON.stringify(saw));
})();
