// Owned by the Gatehouse template: updated by copier update, see ownership.toml.
// Logs in with a provider from the Authorize dialog. The dialog opens a window, which comes back to
// this page with a one-time code. The two cannot see each other (Cross-Origin-Opener-Policy), so the
// code goes over a channel that only pages of this origin hear; it is worth nothing without the
// verifier, which stays here.
const channel = new BroadcastChannel("provider-login");
const here = location.origin + location.pathname;
const answer = new URLSearchParams(location.search);
if (answer.has("code")) {
  channel.postMessage({ code: answer.get("code"), state: answer.get("state") });
  history.replaceState(null, "", here);
  window.close();
}
channel.onmessage = ({ data }) => {
  const waiting = window.swaggerUIRedirectOauth2;
  if (waiting && data.state === waiting.state) {
    waiting.auth.code = data.code;
    waiting.callback({ auth: waiting.auth, redirectUrl: waiting.redirectUrl });
  }
};
ui.getConfigs().oauth2RedirectUrl = here;
ui.initOAuth({
  usePkceWithAuthorizationCodeGrant: true,
  additionalQueryStringParams: { return_to: here },
});
