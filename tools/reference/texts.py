"""What stands above the tables of the generated pages."""

QUESTIONS = (
    "Copier asks these, in this order. Every one has a default, the secure choice. No value is ever"
    " removed or renamed, so that an old service can go on updating."
)
SETTINGS = (
    "Read from environment variables, from files of the same names in `SECRETS_DIR` (`/run/secrets`"
    " when that folder exists), and from `.env`; the first of these that has a value counts. Lists"
    " are comma-separated. Your own settings are fields of `Settings` in `app/settings.py`.\n\n"
    "`python -m app check` prints everything that would be refused,"
    " [all at once](../how-to/go-to-production.md)."
)
ENDPOINTS = (
    "What the service answers, from its own OpenAPI document; its page `/docs` shows the fields of"
    " requests and answers. A token is the access token in `Authorization: Bearer`; a route outside"
    " `/auth` takes an API key there as well, or in `X-API-Key`, unless it refuses that kind. A"
    " route that needs neither says in its code why it is open, and that reason stands here."
    " Errors have [one shape](errors.md)."
)
COMMANDS = (
    "`python -m app` reads the settings of the service and works on its database. Answers go to"
    " standard output; the reasons for a refusal go to standard error, with exit status 1."
)
METRICS = (
    "`GET /metrics` answers in Prometheus' format to who sends `METRICS_TOKEN` as a bearer token;"
    " without that setting it is a 404. Several workers add up their numbers when they share"
    " `PROMETHEUS_MULTIPROC_DIR`. Labels hold outcomes and reasons, never who."
)
ERRORS = (
    "Every error is `application/problem+json` (RFC 9457) with the members `type`, `title`,"
    " `status` and `error`. The body is the same for each `error`, whatever was sent; a 422 adds"
    " `errors`, which names declared fields and kinds of fault and never a value. Decide by"
    " `error`, not by `title`. Every response carries `X-Request-ID`, under which the log has the"
    " rest. Statuses that only the framework answers, such as 405, have the same shape."
)
EVENTS = (
    "One JSON object a line on standard output, with `event`, `timestamp` (UTC), `level`, `logger`"
    " and, inside a request, `request_id`. They come out whatever `LOG_LEVEL` is."
    " [What is logged](../security/controls.md#what-is-logged) says when each is written. Never a"
    " password, token, cookie or address of mail."
)
