#!/usr/bin/env python3
"""A meter that speaks the prototype's protocol, as docs/lab.md describes it.

    python3 testing/prototype/measurer.py [HOST:PORT]

It waits three seconds, asks for an id, and then sends its register every second: JSON objects with
nothing between them, each after the answer to the one before. The menu works while it sends, and at
the end of the input it goes on sending. It keeps nothing and never connects again.
"""

import json
import os
import socket
import sys
import threading
import time

MENU = """\
1 - Increase the consumption rate in kWh
2 - Decrease the consumption rate in kWh
3 - Set the consumption rate in kWh
4 - Leave the program"""


def say(text):
    print(text, flush=True)


class Meter:
    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host.strip("[]"), int(port)))
        self.register = 0.0
        self.rate = 1.0
        self.id = None

    def identify(self):
        time.sleep(3)
        self.socket.sendall(b'{"id": 0}')
        self.id = self.socket.recv(1024).decode()
        if not self.id.isdigit():
            sys.exit(f"measurer.py: no id, but {self.id!r}")
        say(f"This meter has the number {self.id}.")

    def report(self):
        """A reading a second, until the server is gone."""
        due = time.monotonic()
        while True:
            due += 1
            time.sleep(max(0.0, due - time.monotonic()))
            self.register += self.rate
            reading = {
                "id": self.id,
                "consumption": self.register,
                "datetime": time.strftime("%Y-%m-%d %H:%M:%S"),
                "type": "/spent",
            }
            try:
                self.socket.sendall(json.dumps(reading).encode())
                answer = b""
                while not answer.endswith(b"}"):
                    more = self.socket.recv(4096)
                    if not more:
                        raise ConnectionError("the server closed the connection")
                    answer += more
            except OSError as error:
                say(f"measurer.py: {error}")
                os._exit(1)


def amount():
    """The typed amount, or nothing where it is none."""
    say("How many kWh?")
    text = sys.stdin.readline().strip().replace(",", ".")
    try:
        typed = float(text)
    except ValueError:
        typed = -1.0
    if not 0 <= typed < float("inf"):
        say("Wrong amount: a number that is not below 0 is expected, such as 0.5.")
        return None
    return typed


def menu(meter):
    """Says whether the program is to end; at the end of the input it is not."""
    while True:
        say(MENU)
        option = sys.stdin.readline()
        if not option:
            return False
        option = option.strip()
        if option == "4":
            return True
        if option not in ("1", "2", "3"):
            say("Wrong option: 1, 2, 3 or 4 is expected.")
            continue
        typed = amount()
        if typed is not None:
            rates = {"1": meter.rate + typed, "2": max(0.0, meter.rate - typed), "3": typed}
            meter.rate = rates[option]
            say(f"Consumption rate: {meter.rate} kWh per second")


def main():
    say("Meter initialization, please wait...")
    try:
        meter = Meter(sys.argv[1] if len(sys.argv) > 1 else "localhost:4005")
    except (OSError, ValueError) as error:
        sys.exit(f"measurer.py: no connection: {error}")
    meter.identify()
    reporting = threading.Thread(target=meter.report, daemon=True)
    reporting.start()
    if not menu(meter):
        say("End of input: the meter goes on sending.")
        reporting.join()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
