"""Packs the JSON-Schema test suite (draft 2020-12, required tests): one line a group, each instance as compact JSON text.

Usage: make_schema_suite.py CHECKOUT tests/data/grammar     (github.com/json-schema-org/JSON-Schema-Test-Suite)
"""
import gzip, json, pathlib, shutil, sys

checkout, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
lines = []
for path in sorted((checkout / "tests/draft2020-12").glob("*.json")):
    for group in json.loads(path.read_text()):
        tests = [[t["description"], json.dumps(t["data"], separators=(",", ":"), ensure_ascii=False), t["valid"]]
                 for t in group["tests"]]
        name = f"{path.stem}: {group['description']}"
        lines.append(json.dumps({"group": name, "schema": group["schema"], "tests": tests}, ensure_ascii=False) + "\n")
with gzip.GzipFile(out / "json_schema_suite.jsonl.gz", "wb", mtime=0) as file:
    file.write("".join(lines).encode())
shutil.copy(checkout / "LICENSE", out / "json_schema_suite.LICENSE")
print(f"{len(lines)} groups")
