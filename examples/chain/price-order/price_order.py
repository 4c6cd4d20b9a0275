from fx_ef import context

from price_list import PRICES

items = context.params.get("items") or {}
unknown = [name for name in items if name not in PRICES]
if unknown:
    raise SystemExit(f"no price is known for {', '.join(unknown)}; there are prices for {', '.join(PRICES)}")

# Cents, because a sum of binary fractions is not the sum on the invoice.
total_cents = sum(PRICES[name] * count for name, count in items.items())
print(f"order {context.params.get('order')}: {total_cents / 100:.2f}")

context.events.send("order.priced", {"order": context.params.get("order"), "items": items, "total_cents": total_cents})
