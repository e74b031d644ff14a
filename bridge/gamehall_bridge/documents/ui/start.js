// Which document to show; OpenAPI unless the address names the other one.
const wanted = new URLSearchParams(location.search).get("doc");
const shown = wanted === "swagger-doc" ? wanted : "openapi.json";
document.querySelector(`nav a[href="?doc=${shown}"]`).setAttribute("aria-current", "page");
SwaggerUIBundle({
  url: `../${shown}`,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
});
