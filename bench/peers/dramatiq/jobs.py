import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from redis import Redis

import work

# Its results are waited for in one blocking call, which the client would otherwise give up after seconds.
client = Redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)
broker = RedisBroker(url=os.environ["REDIS_URL"])
broker.add_middleware(Results(backend=RedisBackend(client=client)))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def job(number):
    return work.job(number)


@dramatiq.actor(store_results=True)
def fib(n):
    return work.fib(n)
