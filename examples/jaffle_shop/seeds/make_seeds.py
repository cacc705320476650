"""Makes the seeds of this project: `python seeds/make_seeds.py`.

The same bytes at each run: customers of three habits, and orders over two years with a trend, a week and a year in them.
"""

import csv
import datetime as dt
import random
from pathlib import Path

FIRST_DAY = dt.date(2023, 1, 1)
LAST_DAY = dt.date(2024, 12, 31)
WEEKDAYS = [0.8, 0.75, 0.85, 0.95, 1.25, 1.5, 0.9]  # Monday to Sunday
METHODS = ["credit_card", "bank_transfer", "coupon", "gift_card"]
# habit: share of the customers, weight when an order is handed out, mean of what is paid
HABITS = {"regular": (0.25, 9.0, 14.0), "feaster": (0.15, 2.5, 62.0), "passer_by": (0.60, 1.0, 18.0)}
FIRST_NAMES = "Ada Bela Cleo Dora Emil Finn Gwen Hugo Iris Jona Kaya Lars Mina Nils Olga Pius Rosa Sven Thea Vito".split()
INITIALS = "ABCDEFGHKLMNPRSTVW"


def customers(rng, count=200):
    habits = list(HABITS)
    shares = [HABITS[habit][0] for habit in habits]
    for number in range(1, count + 1):
        name = (rng.choice(FIRST_NAMES), f"{rng.choice(INITIALS)}.")
        yield number, *name, rng.choices(habits, shares)[0]


def expected_orders(day):
    elapsed = (day - FIRST_DAY).days
    summer = 0.25 if day.month in (6, 7, 8) else 0.0
    return (1.6 + 0.0016 * elapsed + summer) * WEEKDAYS[day.weekday()]


def orders(rng, people):
    weights = [HABITS[habit][1] for *_, habit in people]
    day, number = FIRST_DAY, 0
    while day <= LAST_DAY:
        wanted = expected_orders(day) + rng.gauss(0, 0.45)
        for _ in range(max(0, round(wanted))):
            number += 1
            person = rng.choices(people, weights)[0]
            yield number, person, day, status(rng, day)
        day += dt.timedelta(days=1)


def status(rng, day):
    if (LAST_DAY - day).days < 5:
        return "placed"
    return rng.choices(["completed", "returned"], [0.94, 0.06])[0]


def payments(rng, order_number, person):
    amount = max(200, round(100 * rng.gauss(HABITS[person[-1]][2], HABITS[person[-1]][2] / 5)))
    parts = [amount] if rng.random() < 0.85 else [amount // 3, amount - amount // 3]
    return [(order_number, rng.choices(METHODS, [0.6, 0.2, 0.1, 0.1])[0], part) for part in parts]


def write(name, header, rows):
    with open(Path(__file__).parent / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main():
    rng = random.Random(20230101)
    people = list(customers(rng))
    ordered = list(orders(rng, people))
    paid = [row for number, person, *_ in ordered for row in payments(rng, number, person)]
    write("raw_customers.csv", ["id", "first_name", "last_name"], [person[:3] for person in people])
    write(
        "raw_orders.csv",
        ["id", "customer_id", "order_date", "status"],
        [(number, person[0], day.isoformat(), state) for number, person, day, state in ordered],
    )
    write(
        "raw_payments.csv",
        ["id", "order_id", "payment_method", "amount_cents"],
        [(number, *row) for number, row in enumerate(paid, 1)],
    )


if __name__ == "__main__":
    main()
