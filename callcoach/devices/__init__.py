"""Sound devices by platform: names, hot-plug, routing. Their libraries are imported only where they are used."""
