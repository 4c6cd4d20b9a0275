PRICES = {"apple": 40, "bread": 320, "cheese": 1290}
