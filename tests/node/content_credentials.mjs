// SPDX-License-Identifier: Apache-2.0
// What TrustNXT's c2pa-ts says of files: a JSON line each. It shares no code with the library that signs them.

import { readFile } from "node:fs/promises";
import { BMFF } from "@trustnxt/c2pa-ts/asset";
import { SuperBox } from "@trustnxt/c2pa-ts/jumbf";
import { ManifestStore } from "@trustnxt/c2pa-ts/manifest";

// It reads any ISO file, but by itself only takes pictures for one.
BMFF.canReadBrands.add("isom");

for (const path of process.argv.slice(2)) {
  try {
    const file = new BMFF(await readFile(path));
    const statements = ManifestStore.read(SuperBox.fromBuffer(file.getManifestJUMBF()));
    const result = await statements.validate(file);
    const codes = result.statusEntries.map((one) => `${one.success ? "" : "! "}${one.code}`);
    console.log(JSON.stringify({ valid: result.isValid, statements: statements.manifests.length, codes }));
  } catch (error) {
    console.log(JSON.stringify({ valid: false, statements: 0, codes: [`! ${error.message}`] }));
  }
}
