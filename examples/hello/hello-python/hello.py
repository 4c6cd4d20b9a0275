from fx_ef import context, get_param

print(f"Hello {get_param('name', 'world')}, this is {context.service.name}.")
