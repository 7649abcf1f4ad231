"""Values of the slots in sentence templates: what people call their rooms, devices, lists and songs."""

from __future__ import annotations

AREAS = [
    "kitchen", "living room", "bedroom", "bathroom", "hallway", "garage", "office", "guest room", "nursery", "dining room",
    "laundry room", "attic", "basement", "garden", "patio", "study", "playroom", "pantry", "entrance", "balcony",
]  # fmt: skip
FLOORS = ["ground", "first", "second", "upper", "lower", "top", "basement", "main"]
WILDCARDS: dict[str, list[str]] = {
    "message": ["dinner is ready", "we are leaving in five minutes", "please come downstairs", "the taxi is here", "time for bed", "the cake is done"],
    "search_query": ["abbey road", "the beatles", "morning jazz", "nina simone", "bohemian rhapsody", "the daily news", "chill beats", "bach"],
    "zone": ["work", "school", "the gym", "the office", "home", "the supermarket"],
    "timer_name": ["pizza", "pasta", "laundry", "eggs", "tea", "bread", "workout", "homework"],
    "timer_command": ["turn off the lamp", "open the garage door", "lock the front door", "turn on the heater", "pause the music", "close the blinds"],
    "shopping_list_item": ["milk", "eggs", "bread", "butter", "apples", "coffee", "toilet paper", "olive oil", "bananas", "rice"],
    "todo_list_item": ["call the dentist", "water the plants", "pay the rent", "clean the car", "book flights", "fix the bike"],
}
NAMES_BY_DOMAIN: dict[str, list[str]] = {
    "light": ["ceiling", "desk lamp", "floor lamp", "reading lamp", "night light", "chandelier", "led strip", "bedside lamp", "pendant"],
    "switch": ["coffee maker", "heater", "fan", "humidifier", "christmas tree", "socket", "tv", "air purifier", "dehumidifier", "kettle"],
    "lock": ["front door", "back door", "garage door", "garden gate", "side door", "patio door", "cellar door", "main entrance"],
    "cover": ["left blind", "right curtain", "garage door", "shutter", "awning", "bedroom blinds", "skylight", "roller shade"],
    "valve": ["water valve", "sprinkler", "irrigation", "main valve", "garden tap"],
    "scene": ["movie night", "good morning", "party", "romantic", "dinner", "reading", "bedtime", "relax"],
    "script": ["goodnight", "leaving home", "wake up routine", "cleaning routine", "welcome home"],
    "button": ["doorbell", "restart router", "feed the cat", "identify", "garage opener"],
    "todo": ["chores", "weekend", "household", "work", "packing", "holiday"],
    "vacuum": ["robot", "dusty", "vacuum", "rover", "robo cleaner"],
    "lawn_mower": ["lawn mower", "garden robot", "mower"],
    "person": ["alice", "bob", "carol", "dave", "erin", "frank"],
    "media_player": ["tv", "living room speaker", "kitchen radio", "soundbar", "projector", "stereo"],
    "climate": ["thermostat", "air conditioner", "heat pump", "radiator", "floor heating"],
    "fan": ["ceiling fan", "desk fan", "tower fan", "exhaust fan"],
    "weather": ["berlin", "london", "oslo", "the lake"],
    "sensor": ["outdoor sensor", "front porch sensor", "freezer sensor", "hall sensor", "phone"],
}
DOMAIN_ALIASES = {"input_button": "button", "input_boolean": "switch", "binary_sensor": "sensor", "input_number": "sensor"}
# Names that people use at home but that no annotated sentence has: in live traffic only.
UNSEEN_AREAS = ["sunroom", "den", "mudroom", "library", "cellar", "workshop", "gym", "loft"]
UNSEEN_NAMES = ["big lamp", "fairy lights", "espresso machine", "aquarium", "grandma's lamp", "thing by the door", "hot tub", "fireplace", "lava lamp"]
