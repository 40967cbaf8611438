// Owned by the Gatehouse template: updated by copier update, see ownership.toml.
// In a file of its own, because the page's Content-Security-Policy forbids inline scripts.
const page = document.getElementById("swagger-ui");
const ui = SwaggerUIBundle({
  domNode: page,
  url: page.dataset.openapiUrl,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  // Tokens stay in the page's memory, never in the browser's storage.
  persistAuthorization: false,
  // The public validator would be told this service's address.
  validatorUrl: null,
});
