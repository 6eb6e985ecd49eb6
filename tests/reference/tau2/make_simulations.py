#!/usr/bin/env python3
"""Conversations played and graded by the official tau2-bench code, with scripts in the place of both models.

    TAU2_DATA_DIR=DATA PYTHONPATH=SRC make_simulations.py --domain mock|retail [--fuzz N] --out FILE

SRC is the src folder of a tau2-bench checkout (Python >= 3.11 with pydantic, loguru, docstring_parser, addict,
deepdiff, python-dotenv, toml, pyyaml, litellm, tenacity, pandas, rich). DATA is its data folder, or one of the same
layout such as tests/data/eval/tau2. FILE is a result file as the harness writes it; simulations of trial 0 also have
what the two models were last asked (agent_view, user_view).

`drawbridge eval tau2-import FILE --data DATA` makes every tool call again and compares answers and rewards.
"""
import argparse
import importlib
import json
import random

from loguru import logger
from tau2.agent import llm_agent
from tau2.data_model.message import AssistantMessage, ToolCall
from tau2.data_model.simulation import RewardInfo
from tau2.data_model.tasks import RewardType
from tau2.evaluator import evaluator
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.user import user_simulator
from tau2.utils.llm_utils import to_litellm_messages

HOSTILE = [None, True, 5, 1.5, "", "#W0", [], ["x"], {}, {"a": 1}, "ünï ✓ \U0001f600"]


class Script:
    """Says its lines in turn, whatever it is asked."""

    def __init__(self, lines):
        self.lines = list(lines)
        self.asked = None

    def __call__(self, model, messages, tools=None, **_):
        self.asked = to_litellm_messages(messages)
        line = self.lines.pop(0)
        if isinstance(line, str):
            return AssistantMessage(role="assistant", content=line, cost=0)
        return AssistantMessage(role="assistant", content=None, tool_calls=line, cost=0)


def call(number, name, arguments):
    return ToolCall(id=f"call_{number}", name=name, arguments=arguments)


def no_judge(task, full_trajectory):
    """Grants every assertion in natural language: only the other checks are compared."""
    return RewardInfo(reward=1.0, nl_assertions=[], reward_breakdown={RewardType.NL_ASSERTION: 1.0})


def play(domain, task, agent_lines, user_lines, trial):
    """One conversation; a history that ends with the agent's words is answered by the user, as the greeting is."""
    module = importlib.import_module(f"tau2.domains.{domain}.environment")
    environment = module.get_environment()
    agent, user = Script(agent_lines), Script(user_lines)
    llm_agent.generate, user_simulator.generate = agent, user
    try:
        user_tools = environment.get_user_tools(include=task.user_tools) or None
    except ValueError:
        user_tools = None
    orchestrator = Orchestrator(
        domain=domain,
        agent=llm_agent.LLMAgent(tools=environment.get_tools(), domain_policy=environment.get_policy(), llm="script"),
        user=user_simulator.UserSimulator(tools=user_tools, instructions=str(task.user_scenario), llm="script"),
        environment=environment,
        task=task,
    )
    simulation = orchestrator.run()
    simulation.trial = trial
    try:
        simulation.reward_info = evaluator.evaluate_simulation(
            simulation, task, evaluator.EvaluationType.ALL, solo_mode=False, domain=domain
        )
    except ValueError as error:  # an assertion about what the agent never made; to us it does not hold
        print(f"task {task.id}, trial {trial}: no reward: {error}")
        return None
    out = json.loads(simulation.model_dump_json(exclude_none=True))
    keep = ("task_id", "trial", "termination_reason", "messages", "reward_info")
    out = {key: out[key] for key in keep}
    out["reward_info"] = {key: out["reward_info"].get(key) for key in ("reward", "reward_breakdown")}
    for message in out["messages"]:
        for key in ("timestamp", "turn_idx", "cost", "is_audio", "contains_speech"):
            message.pop(key, None)
    return out | ({"agent_view": agent.asked, "user_view": user.asked} if trial == 0 else {})


def steps(calls):
    """The lines of an agent that makes these calls, of a user who starts, and of one whose tools are called last."""
    return [[call(number, name, arguments)] for number, (name, arguments) in enumerate(calls)]


def words(task):
    return "Done. " + " ".join((task.evaluation_criteria and task.evaluation_criteria.communicate_info) or [])


def gold(domain, task, trial, skip=0):
    """The task's own actions without the first `skip`: the user's first, then the agent's."""
    actions = (task.evaluation_criteria and task.evaluation_criteria.actions) or []
    mine = [(a.name, a.arguments) for a in actions if a.requestor == "assistant"][skip:]
    theirs = [(a.name, a.arguments) for a in actions if a.requestor == "user"]
    if task.user_tools is None and domain == "mock":
        theirs = theirs or [("check_notifications", {}), ("dismiss_notification", {"notification_id": "n1"})]
    return play(domain, task, steps(mine) + [words(task)], steps(theirs) + ["Please.", "Thanks ###STOP###"], trial)


def drawn_arguments(rng, tool, pools):
    """Mostly values that occur in the database, some that cannot be right, some missing or too many."""
    arguments = {}
    for name, schema in tool.openai_schema["function"]["parameters"]["properties"].items():
        draw = rng.random()
        if draw < 0.02:
            continue
        if draw < 0.06:
            arguments[name] = rng.choice(HOSTILE)
        elif schema.get("type") == "array":
            arguments[name] = [rng.choice(pools["item_id"]) for _ in range(rng.choice([0, 1, 1, 2]))]
        else:
            arguments[name] = rng.choice(pools.get(name, pools["text"]))
    if rng.random() < 0.02:
        arguments["unheard_of"] = 1
    return arguments


def retail_order_calls(rng, db):
    """Calls about one order whose arguments fit together, so that many succeed."""
    order = rng.choice(list(db.orders.values()))
    user = db.users[order.user_id]
    items = rng.sample(order.items, rng.randint(1, len(order.items)))
    variants = [rng.choice(list(db.products[item.product_id].variants)) for item in items]
    ids = {"order_id": order.order_id, "payment_method_id": rng.choice(list(user.payment_methods))}
    swap = ids | {"item_ids": [item.item_id for item in items], "new_item_ids": variants}
    address = {"address1": "1 Main St", "address2": "", "city": "Łódź", "state": "X", "country": "Y", "zip": "1"}
    choices = [
        ("cancel_pending_order", {"order_id": order.order_id, "reason": "ordered by mistake"}),
        ("modify_pending_order_items", swap),
        ("exchange_delivered_order_items", swap),
        ("return_delivered_order_items", ids | {"item_ids": swap["item_ids"]}),
        ("modify_pending_order_payment", ids),
        ("modify_pending_order_address", {"order_id": order.order_id} | address),
        ("modify_user_address", {"user_id": user.user_id} | address),
    ]
    looks = [("get_order_details", {"order_id": order.order_id}), ("get_user_details", {"user_id": user.user_id})]
    return rng.choices(choices, k=rng.randint(1, 3)) + looks


def fuzz_calls(domain, rng, n_calls):
    environment = importlib.import_module(f"tau2.domains.{domain}.environment").get_environment()
    tools, db = environment.get_tools(), environment.tools.db
    if domain == "mock":
        pools = {"user_id": list(db.users), "task_id": list(db.tasks), "status": ["pending", "completed", "odd"]}
        pools |= {"text": ["Title", "Ü", ""], "item_id": [""]}
    else:
        pools = {"order_id": list(db.orders), "user_id": list(db.users), "product_id": list(db.products)}
        pools["item_id"] = [item for product in db.products.values() for item in product.variants]
        pools["payment_method_id"] = [method for user in db.users.values() for method in user.payment_methods]
        pools["email"] = [user.email.upper() for user in db.users.values()]
        pools["expression"] = ["2 + 2 * 3", "(1.5 - 7) / 3", "10 // 3", "2 ** 5", "1 / 3", "-4 + 0.005", "2.675 * 1"]
        pools |= {"text": ["no longer needed", "Main St", "Nora", "Åström", "19122"]}
    calls = []
    while len(calls) < n_calls:
        if domain == "retail" and rng.random() < 0.5:
            calls += retail_order_calls(rng, db)
        else:
            tool = rng.choice(tools)
            calls.append((tool.name, drawn_arguments(rng, tool, pools)))
    return calls


def fuzz(domain, task, rng, trial):
    """Up to the harness's limit of errors: later calls of a conversation are not made."""
    lines = steps(fuzz_calls(domain, rng, 24)) + ["Done."]
    return play(domain, task, lines, ["Please.", "###STOP###"], trial)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--domain", choices=["mock", "retail"], required=True)
    parser.add_argument("--fuzz", type=int, default=4)
    parser.add_argument("--limit", type=int, help="first tasks only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    logger.remove()
    evaluator.NLAssertionsEvaluator.calculate_reward = no_judge
    module = importlib.import_module(f"tau2.domains.{options.domain}.environment")
    tasks = module.get_tasks(None)[: options.limit]
    rng = random.Random(options.seed)
    simulations = []
    for task in tasks:
        simulations.append(gold(options.domain, task, 0))
        simulations.append(gold(options.domain, task, 1, skip=1))
    for trial in range(options.fuzz):
        simulations.append(fuzz(options.domain, rng.choice(tasks), rng, 2 + trial))
    simulations = [simulation for simulation in simulations if simulation is not None]
    info = {
        "git_commit": "unknown",
        "num_trials": 2,
        "max_steps": 200,
        "max_errors": 10,
        "seed": options.seed,
        "agent_info": {"implementation": "script", "llm": "script"},
        "user_info": {"implementation": "script", "llm": "script"},
        "environment_info": {"domain_name": options.domain},
    }
    tasks = [json.loads(task.model_dump_json(exclude_none=True)) for task in tasks]
    with open(options.out, "w", encoding="utf-8") as file:
        lines = ",\n".join(json.dumps(simulation, ensure_ascii=False) for simulation in simulations)
        head = json.dumps({"info": info, "tasks": tasks}, ensure_ascii=False)[:-1]
        file.write(f'{head}, "simulations": [\n{lines}\n]}}\n')
    print(f"{len(simulations)} simulations, {sum(s['reward_info']['reward'] for s in simulations):g} rewarded")


if __name__ == "__main__":
    main()
