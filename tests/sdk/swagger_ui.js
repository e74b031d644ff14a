"use strict";
// Opens /swagger-ui/ in Chromium as a person does: signs in with a password, tries one operation, and tells, as JSON, what it saw.
// Read from standard input: {url, document, chromium, username, password}.

const fs = require("fs");
const { chromium } = require("playwright-core");

const given = JSON.parse(fs.readFileSync(0, "utf8"));

async function tried(page) {
  await page.goto(`${given.url}/swagger-ui/?doc=${given.document}`);
  await page.locator("button.authorize").click();
  const form = page.locator(".auth-container", { hasText: "oauth2_password_grant" });
  await form.locator("#oauth_username").fill(given.username);
  await form.locator("#oauth_password").fill(given.password);
  await form.locator("#client_id_password").fill("web");
  await form.locator("button.authorize").click();
  await form.getByText("Logout").waitFor();
  await form.locator("button.btn-done").click();

  const tags = await page.locator(".opblock-tag").evaluateAll((all) => all.map((each) => each.dataset.tag));
  await page.locator('.opblock-tag[data-tag="Users"]').click();
  const operation = page.locator("#operations-Users-getUser");
  await operation.locator(".opblock-summary").click();
  const told = await operation.locator(".opblock-description").innerText();
  const answers = await operation.locator(".responses-table .response[data-code]").evaluateAll((all) => all.map((each) => each.dataset.code));
  await operation.locator("button.try-out__btn").click();
  await operation.locator('tr[data-param-name="id"] input').fill("me");
  await operation.locator("button.execute").click();
  const live = operation.locator(".live-responses-table .response");
  const status = await live.locator(".response-col_status").innerText();
  const body = await live.locator(".highlight-code code").first().innerText();
  return { tags, told, answers, status, body };
}

(async () => {
  const browser = await chromium.launch({ executablePath: given.chromium });
  const page = await browser.newPage();
  page.setDefaultTimeout(100_000);
  const asked = [];
  const complaints = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (problem) => complaints.push(String(problem)));
  try {
    const saw = await tried(page);
    process.stdout.write(JSON.stringify({ ...saw, asked, complaints }));
  } finally {
    await browser.close();
  }
})();
