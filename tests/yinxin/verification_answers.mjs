// Runs the page's own rules on reports from standard input; one view a report.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { chinaTime, plain, viewOf } = await import(pathToFileURL(process.argv[2]));
const { names, reports, rules, times } = JSON.parse(readFileSync(0, "utf8"));
const views = reports.map((each) => viewOf(each, rules));
process.stdout.write(JSON.stringify({ names: names.map(plain), views, times: times.map(chinaTime) }));
