// SPDX-License-Identifier: Apache-2.0
// The samples of samples.py, written again from the values in a form: character for character the same texts.

const page = document.body.dataset;
const FILE_NAME = "cat.mp4";

/** Path and query of a request. */
export function target(request) {
  let path = request.path;
  for (const [name, value] of Object.entries(request.pathValues)) path = path.replace(`{${name}}`, quote(value));
  const pairs = Object.entries(request.query).map(([name, value]) => `${quote(name)}=${quote(value)}`);
  return pairs.length ? `${path}?${pairs.join("&")}` : path;
}

function quote(text) {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%3A", ":");
}

function headersOf(request) {
  const headers = request.keyed ? { Authorization: `Bearer ${page.keyWord}` } : {};
  if (request.body !== null) headers["Content-Type"] = "application/json";
  return { ...headers, ...request.headers };
}

const json = value => JSON.stringify(value, null, 2);
const shell = text => `'${text.replaceAll("'", "'\\''")}'`;
const indented = text => text.replaceAll("\n", "\n  ");

function curl(request) {
  const parts = [`curl ${request.streams ? "-N " : ""}${shell(page.base + target(request))}`];
  const content = request.body !== null || request.fileField;
  if (!["GET", "POST"].includes(request.method) || (request.method === "POST" && !content)) {
    parts.push(`-X ${request.method}`);
  }
  for (const [name, value] of Object.entries(headersOf(request))) parts.push(`-H ${shell(`${name}: ${value}`)}`);
  if (request.fileField) parts.push(`-F ${shell(`${request.fileField}=@${FILE_NAME}`)}`);
  else if (request.body !== null) parts.push(`-d ${shell(json(request.body))}`);
  if (request.saves) parts.push(`-o ${shell(request.saves)}`);
  return parts.join(" \\\n  ");
}

function javascript(request) {
  const options = request.method === "GET" ? [] : [`method: "${request.method}"`];
  const headers = headersOf(request);
  if (Object.keys(headers).length) options.push(`headers: ${indented(json(headers))}`);
  if (request.fileField) options.push("body: form");
  else if (request.body !== null) options.push(`body: JSON.stringify(${indented(json(request.body))})`);
  let asked = `fetch(${json(page.base + target(request))}`;
  if (options.length) asked += `, {\n  ${options.join(",\n  ")}\n}`;
  let lines = `${asked})\n`;
  lines += request.saves
    ? "  .then(response => response.blob())\n  .then(blob => console.log(blob.type, blob.size))\n"
    : "  .then(response => response.text())\n  .then(text => console.log(text))\n";
  lines += "  .catch(error => console.error(error));";
  if (!request.fileField) return lines;
  return (
    'import("node:fs").then(async fs => {\nconst form = new FormData();\n' +
    `form.append(${json(request.fileField)}, await fs.openAsBlob("${FILE_NAME}"), "${FILE_NAME}");\n${lines}\n});`
  );
}

function python(request) {
  const headers = headersOf(request);
  const lines = ["import http.client"];
  let body = "";
  if (request.fileField) {
    headers["Content-Type"] = "multipart/form-data; boundary=cut-here";
    const head = `Content-Disposition: form-data; name="${request.fileField}"; filename="${FILE_NAME}"`;
    body = "body";
    lines.push(
      "",
      `head = '--cut-here\\r\\n${head}\\r\\n\\r\\n'`,
      `body = head.encode() + open("${FILE_NAME}", "rb").read() + b"\\r\\n--cut-here--\\r\\n"`,
    );
  } else if (request.body !== null) {
    body = "body";
    lines.push("import json", "", `body = json.dumps(${literal(request.body)})`);
  } else {
    lines.push("");
  }
  const headed = Object.keys(headers).length > 0;
  if (headed) lines.push(`headers = ${literal(headers)}`);
  const handed = [json(request.method), json(page.prefix + target(request))];
  if (body) handed.push(body);
  if (headed) handed.push(body ? "headers" : "headers=headers");
  lines.push(
    `connection = http.client.${page.connection}(${json(page.authority)})`,
    `connection.request(${handed.join(", ")})`,
    "response = connection.getresponse()",
    request.saves
      ? `open(${json(request.saves)}, "wb").write(response.read())`
      : "print(response.read().decode())",
  );
  return lines.join("\n");
}

function literal(value, indent = "") {
  const deeper = `${indent}    `;
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null) return "None";
  if (Array.isArray(value) && value.length) {
    return `[\n${value.map(item => deeper + literal(item, deeper)).join(",\n")}\n${indent}]`;
  }
  if (typeof value === "object" && Object.keys(value).length) {
    const items = Object.entries(value).map(([name, item]) => `${deeper}${json(name)}: ${literal(item, deeper)}`);
    return `{\n${items.join(",\n")}\n${indent}}`;
  }
  return json(value);
}

/** The writers by their names in the markup. */
export const writers = { curl, javascript, python };
