create table if not exists bookings (event text primary key, account text not null, cents integer not null);

-- An attempt that runs again books the same event once.
insert into bookings values ({{ event.id }}, {{ params.account }}, {{ params.cents }})
  on conflict do nothing;

select account, sum(cents) as cents
from bookings
{% if params.only is defined %}
where account in {{ params.only | list }}
{% endif %}
group by account
order by account;
