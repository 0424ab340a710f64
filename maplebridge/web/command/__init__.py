"""The desks of village stations, command rooms, linkage centres and departments."""
