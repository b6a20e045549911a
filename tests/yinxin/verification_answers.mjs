// Runs the page's own rules on reports from standard input; one view a report.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { chinaTime, viewOf } = await import(pathToFileURL(process.argv[2]));
const { reports, rules, times } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify({ views: reports.map((each) => viewOf(each, rules)), times: times.map(chinaTime) }));
