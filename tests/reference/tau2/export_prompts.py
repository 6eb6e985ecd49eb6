#!/usr/bin/env python3
"""The official instruction and tool schemas of a domain, for `drawbridge eval tau2 --prompts FILE`.

    TAU2_DATA_DIR=DATA PYTHONPATH=SRC export_prompts.py --domain mock|retail --out FILE

SRC and DATA as for make_simulations.py.
"""
import argparse
import importlib
import json

from loguru import logger
from tau2.agent.llm_agent import AGENT_INSTRUCTION


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--domain", choices=["mock", "retail"], required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    logger.remove()
    environment = importlib.import_module(f"tau2.domains.{options.domain}.environment").get_environment()
    user_tools = [] if environment.user_tools is None else environment.get_user_tools()
    prompts = {
        "agent_instruction": AGENT_INSTRUCTION,
        "agent_tools": [tool.openai_schema for tool in environment.get_tools()],
        "user_tools": [tool.openai_schema for tool in user_tools] or None,
    }
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(prompts, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
